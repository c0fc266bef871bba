using System.Text.Json.Nodes;
using Conclave.Sdk;

namespace Conclave.Tests.Sdk.Sealing;

/// <summary>A device that is signed in and has no keys, or is to have none any more.</summary>
public sealed class MissingKeysTests
{
    const string OldPassword = "password of alice";
    const string NewPassword = "another password";

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("alice")]
    [InlineData(null)]
    public async Task Typed_passwords_are_not_sent_by_a_device_that_has_lost_its_keys(string? login)
    {
        await using var den = await PaperDen.EmptyAsync();
        _ = den.Enrol("alice");
        await using var client = new ConclaveClient(den.Server.OptionsFor(Path.Combine(den.Folder, "without keys")));
        client.UseToken("token of alice", login);

        var refused = await Assert.ThrowsAsync<RefusedException>(
            () => client.Account.ChangePasswordAsync(OldPassword, NewPassword, Cancel));
        Assert.Equal("no_identity", refused.Code);

        den.Server.Users["alice"].Identity = null;
        var alarm = await Assert.ThrowsAsync<AlarmException>(
            () => client.Account.ChangePasswordAsync(OldPassword, NewPassword, Cancel));
        Assert.Equal((AlarmCode.PlainAccount, "alice"), (alarm.Code, alarm.Login));
        Assert.DoesNotContain(den.Server.Requests, request => (string?)request["action"] == "change_password");

        // A person's explicit act is another matter.
        den.Server.Users["alice"].Auth = OldPassword;
        await client.Account.ChangePasswordOfPlainAccountAsync(
            "password of alice"u8.ToArray(), "another password"u8.ToArray(), Cancel);
        Assert.Equal(NewPassword, den.Server.Users["alice"].Auth);
    }

    [Fact]
    public async Task Keys_are_wiped_also_where_the_server_does_not_end_the_session()
    {
        await using var den = await PaperDen.EmptyAsync();
        var client = den.Enrol("alice");
        Assert.True(HasKeys(den));
        den.Server.Lie = (request, reply) =>
        {
            if ((string?)request["action"] == "logout")
                (reply["ok"], reply["error"]) = (false, new JsonObject { ["code"] = "internal", ["message"] = "No." });
            return null;
        };

        await Assert.ThrowsAsync<RefusedException>(() => client.SignOutAsync(Cancel));

        Assert.False(HasKeys(den));
        den.Server.Lie = null;
        await client.SignOutAsync(Cancel);
    }

    [Fact]
    public async Task Keys_are_wiped_of_whoever_the_session_turns_out_to_be()
    {
        await using var den = await PaperDen.EmptyAsync();
        _ = den.Enrol("alice");
        await using var client = new ConclaveClient(den.Server.OptionsFor(den.Folder));
        client.UseToken("token of alice");

        await client.SignOutAsync(Cancel);

        Assert.False(HasKeys(den));
    }

    static bool HasKeys(PaperDen den)
    {
        using var session = den.Open("alice");
        return session.HasIdentity;
    }
}
