using Conclave.Tests.Support;

namespace Conclave.Tests.Server.Actions;

/// <summary>A nonce makes an action happen once.</summary>
public sealed class OnceTests(SharedServer server) : IClassFixture<SharedServer>
{
    [Fact]
    public async Task Repeated_nonce_is_answered_with_the_first_seq_and_stored_once()
    {
        await using var guest = await server.SignUpAsync();
        await using var other = await server.SignUpAsync();
        await using var third = await server.SignUpAsync();
        var name = server.Fresh("once");
        var nonce = $"\"nonce\":\"{Guid.NewGuid()}\"";
        var upper = nonce.ToUpperInvariant().Replace("NONCE", "nonce", StringComparison.Ordinal);
        var create = $$"""{"action":"create_lobby","lobby_name":"{{name}}",{{nonce}}}""";
        var created = await guest.Client.DoAsync(create);
        var again = await guest.Client.DoAsync(create);
        Assert.Equal(created["lobby_id"]!.GetValue<string>(), again["lobby_id"]!.GetValue<string>());
        Assert.Null(created["duplicate"]);
        Assert.True(again["duplicate"]!.GetValue<bool>());
        Assert.Equal("lobby_name_taken", await other.Client.RefusedAsync(create));
        Assert.Equal("lobby_name_taken", await guest.Client.RefusedAsync(
            $$"""{"action":"create_lobby","lobby_name":"{{name}}","nonce":"{{Guid.NewGuid()}}"}"""));

        var invitation = $"\"nonce\":\"{Guid.NewGuid()}\"";
        string Invite(Guest whom, string rights) =>
            $$"""
            {"action":"invite_lobby","lobby_name":"{{name}}","public_token":"{{whom.PublicToken}}",
             "rights":{{rights}},{{invitation}}}
            """;
        string Post(string value, string with) =>
            $$"""{"action":"message","lobby_name":"{{name}}","row_data":{{value}},{{with}}}""";
        var message = $"\"nonce\":\"{Guid.NewGuid()}\"";
        (string Request, string Outcome, int Seq)[] table =
        [
            (Invite(other, """["write"]"""), "ok", 2),
            (Invite(other, """["read","write"]"""), "ok", 2),
            (Invite(other, """["read"]"""), "nonce_reused", 0),
            (Invite(third, """["write"]"""), "nonce_reused", 0),
            (Post("1", message), "ok", 3),
            (Post("1", message), "ok", 3),
            (Post(" 1 ", message), "ok", 3),
            (Post("1.0", message), "nonce_reused", 0),
            (Post("1", invitation), "nonce_reused", 0),
            (Post("1", nonce), "nonce_reused", 0),
            (Post("1", upper), "nonce_reused", 0),
            (Invite(other, """["write"]"""), "ok", 2),
            (Post("2", $"\"nonce\":\"{Guid.NewGuid()}\""), "ok", 4),
        ];
        foreach (var (request, outcome, seq) in table)
        {
            var reply = await guest.Client.AskAsync(request);
            Assert.Equal(outcome, Outcomes.Of(reply));
            Assert.Equal(seq, reply["seq"]?.GetValue<int>() ?? 0);
        }
        // A nonce is its user's own.
        Assert.Equal(5, (await other.Client.DoAsync(Post("1", message)))["seq"]!.GetValue<int>());
        var duplicate = await guest.Client.DoAsync(Post("1", message));
        Assert.True(duplicate["duplicate"]!.GetValue<bool>());
        Assert.NotNull(duplicate["sent_at"]);
    }

    [Fact]
    public async Task Repeated_nonce_is_recognised_also_when_it_comes_at_the_same_time()
    {
        await using var guest = await server.SignUpAsync();
        var lobby = await server.CreateLobbyAsync(guest);
        var nonce = Guid.NewGuid();
        for (var time = 0; time < 20; time++)
        {
            await guest.Client.SendAsync(
                $$"""{"action":"message","lobby_name":"{{lobby}}","row_data":1,"nonce":"{{nonce}}"}""");
        }
        for (var time = 0; time < 20; time++)
        {
            var reply = await guest.Client.ReplyAsync();
            Assert.Equal(2, reply["seq"]!.GetValue<int>());
            Assert.Equal(time > 0, reply["duplicate"] is not null);
        }
    }

    [Fact]
    public async Task Repeated_nonce_comes_before_membership()
    {
        await using var guest = await server.SignUpAsync();
        await using var other = await server.SignUpAsync();
        var lobby = await server.CreateLobbyAsync(guest);
        await guest.InviteAsync(lobby, other);
        string Post(int value, Guid nonce) =>
            $$"""{"action":"message","lobby_name":"{{lobby}}","row_data":{{value}},"nonce":"{{nonce}}"}""";
        var nonce = Guid.NewGuid();
        await other.Client.DoAsync(Post(1, nonce));
        await guest.Client.DoAsync(
            $$"""{"action":"remove_member","lobby_name":"{{lobby}}","public_token":"{{other.PublicToken}}"}""");

        await Outcomes.HoldAsync(other.Client,
        [
            (Post(1, nonce), "ok"),
            (Post(2, nonce), "nonce_reused"),
            (Post(1, Guid.NewGuid()), "forbidden"),
            ($$"""{"action":"history","lobby_name":"{{lobby}}"}""", "forbidden"),
            ($$"""{"action":"subscribe","lobby_name":"{{lobby}}"}""", "forbidden"),
        ]);
    }
}
