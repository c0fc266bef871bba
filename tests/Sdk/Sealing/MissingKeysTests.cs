using System.Text.Json.Nodes;
using Conclave.Sdk;
using Conclave.Sdk.Sealing;

namespace Conclave.Tests.Sdk.Sealing;

/// <summary>A device that is signed in and has no keys, or is to have none any more.</summary>
public sealed class MissingKeysTests : IDisposable
{
    const string OldPassword = "password of alice";
    const string NewPassword = "another password";

    readonly string _home = Directory.CreateTempSubdirectory("conclave-state-").FullName;

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    string Here => Path.Combine(_home, "here");

    string Elsewhere => Path.Combine(_home, "elsewhere");

    public void Dispose() => Directory.Delete(_home, recursive: true);

    [Theory]
    [InlineData("alice")]
    [InlineData(null)]
    public async Task Typed_passwords_are_not_sent_by_a_device_that_has_lost_its_keys(string? login)
    {
        await using var server = await PaperServer.StartAsync();
        server.Enrol("alice", Elsewhere);
        await using var client = new ConclaveClient(server.OptionsFor(Here));
        client.UseToken("token of alice", login);

        var refused = await Assert.ThrowsAsync<RefusedException>(
            () => client.Account.ChangePasswordAsync(OldPassword, NewPassword, Cancel));
        Assert.Equal("no_identity", refused.Code);

        server.Users["alice"].Identity = null;
        var alarm = await Assert.ThrowsAsync<AlarmException>(
            () => client.Account.ChangePasswordAsync(OldPassword, NewPassword, Cancel));
        Assert.Equal((AlarmCode.PlainAccount, "alice"), (alarm.Code, alarm.Login));
        Assert.DoesNotContain(server.Requests, request => (string?)request["action"] == "change_password");

        // A person's explicit act is another matter.
        server.Users["alice"].Auth = OldPassword;
        await client.Account.ChangePasswordOfPlainAccountAsync(
            "password of alice"u8.ToArray(), "another password"u8.ToArray(), Cancel);
        Assert.Equal(NewPassword, server.Users["alice"].Auth);
    }

    [Fact]
    public async Task Keys_are_wiped_also_where_the_server_does_not_end_the_session()
    {
        await using var server = await PaperServer.StartAsync();
        server.Enrol("alice", Here);
        await using var client = server.Client("alice", Here);
        Assert.True(HasKeys(server));
        server.Lie = (request, reply) =>
        {
            if ((string?)request["action"] == "logout")
                (reply["ok"], reply["error"]) = (false, new JsonObject { ["code"] = "internal", ["message"] = "No." });
            return null;
        };

        await Assert.ThrowsAsync<RefusedException>(() => client.SignOutAsync(Cancel));

        Assert.False(HasKeys(server));
        server.Lie = null;
        await client.SignOutAsync(Cancel);
    }

    [Fact]
    public async Task Keys_are_wiped_of_whoever_the_session_turns_out_to_be()
    {
        await using var server = await PaperServer.StartAsync();
        server.Enrol("alice", Here);
        await using var client = new ConclaveClient(server.OptionsFor(Here));
        client.UseToken("token of alice");

        await client.SignOutAsync(Cancel);

        Assert.False(HasKeys(server));
    }

    bool HasKeys(PaperServer server)
    {
        using var session = SealedSession.Open(
            new Link(server.OptionsFor(Here)), server.OptionsFor(Here), "alice");
        return session.HasIdentity;
    }
}
