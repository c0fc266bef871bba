using System.Text.Json.Nodes;
using Conclave.Sdk;

namespace Conclave.Tests.Sdk.Sealing;

/// <summary>Writers who are in each other's way, and answers that get lost.</summary>
public sealed class WriterRaceTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("conclave-state-").FullName;

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Two_who_rotate_at_once_end_with_one_new_key_and_both_posts()
    {
        await using var server = await PaperServer.StartAsync();
        await using var alice = Enrol(server, "alice");
        await using var bob = Enrol(server, "bob");
        await using var carol = Enrol(server, "carol");
        await alice.Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        await alice.Lobbies.InviteAsync("den", "bob", cancellationToken: Cancel);
        await alice.Lobbies.InviteAsync("den", "carol", Conclave.Protocol.Rights.Read, Cancel);
        _ = await bob.HistoryAsync("den", cancellationToken: Cancel);
        await carol.Lobbies.LeaveAsync("den", cancellationToken: Cancel);
        Assert.True(server.LobbyNamed("den").Log.Roster!.IsDirty);

        await Task.WhenAll(
            alice.PostAsync("den", "hers", cancellationToken: Cancel),
            bob.PostAsync("den", "his", cancellationToken: Cancel));

        Assert.Equal(2UL, server.LobbyNamed("den").Log.Roster!.Generation);
        var entries = (await alice.HistoryAsync("den", cancellationToken: Cancel)).Entries;
        Assert.Equal(["hers", "his"], entries.Select(entry => entry.Content?.Text).OfType<string>().Order());
    }

    [Fact]
    public async Task Message_sealed_again_after_the_log_went_on_keeps_its_id_and_is_stored_once()
    {
        await using var server = await PaperServer.StartAsync();
        await using var alice = Enrol(server, "alice");
        await using var bob = Enrol(server, "bob");
        await alice.Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        await alice.Lobbies.InviteAsync("den", "bob", cancellationToken: Cancel);
        await bob.PostAsync("den", "one", cancellationToken: Cancel);
        await alice.Lobbies.RotateKeyAsync("den", Cancel);

        // Bob does not know of the new key: the server calls his message stale, and he never hears of it.
        var id = Guid.NewGuid();
        var posted = await bob.PostAsync("den", "two", id, Cancel);

        var messages = server.Requests.Where(request => (string?)request["nonce"] == id.ToString()).ToList();
        Assert.Equal(2, messages.Count);
        Assert.NotEqual(messages[0]["row_data"]!.ToJsonString(), messages[1]["row_data"]!.ToJsonString());
        Assert.Equal(id, server.LobbyNamed("den").Rows[(int)posted.Seq - 1].Nonce);
    }

    [Fact]
    public async Task Post_whose_acknowledgement_was_lost_with_the_program_is_not_stored_twice()
    {
        await using var server = await PaperServer.StartAsync();
        var id = Guid.NewGuid();
        await using (var alice = Enrol(server, "alice"))
        {
            await alice.Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
            server.Lie = (request, reply) => (string?)request["action"] == "message"
                ? new JsonObject
                {
                    ["id"] = reply["id"]!.DeepClone(),
                    ["action"] = "message",
                    ["ok"] = false,
                    ["error"] = new JsonObject { ["code"] = "internal", ["message"] = "Lost." },
                }
                : null;
            await Assert.ThrowsAsync<RefusedException>(() => alice.PostAsync("den", "once", id, Cancel));
        }
        server.Lie = null;

        await using var again = server.Client("alice", _folder);
        var posted = await again.PostAsync("den", "once", id, Cancel);

        Assert.Equal(2, posted.Seq);
        Assert.Equal(2, server.LobbyNamed("den").Rows.Count);
        var entry = (await again.HistoryAsync("den", cancellationToken: Cancel)).Entries[^1];
        Assert.Equal((Verdict.Verified, "once"), (entry.Verdict, entry.Content?.Text));
    }

    [Fact]
    public async Task Key_that_was_withheld_is_handed_over_by_another_member()
    {
        await using var server = await PaperServer.StartAsync();
        await using var alice = Enrol(server, "alice");
        await using var bob = Enrol(server, "bob");
        await alice.Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        await alice.Lobbies.InviteAsync("den", "bob", cancellationToken: Cancel);
        await alice.PostAsync("den", "for bob too", cancellationToken: Cancel);
        var den = server.LobbyNamed("den");
        var fingerprint = PaperServer.Record(server.Users["bob"]).Fingerprint;
        den.Wraps.RemoveAll(wrap => wrap.To == fingerprint);

        var before = (await bob.HistoryAsync("den", cancellationToken: Cancel)).Entries[^1];
        Assert.Equal((Verdict.Unreadable, "no_key"), (before.Verdict, before.Fault));
        Assert.Contains(server.Requests, request => (string?)request["action"] == "need_key");
        await server.AskForKeyAsync("alice", den, 1, server.Users["bob"]);
        while (den.Wraps.TrueForAll(wrap => wrap.To != fingerprint))
            await alice.PingAsync(Cancel);

        await using var again = server.Client("bob", _folder);
        var after = (await again.HistoryAsync("den", cancellationToken: Cancel)).Entries[^1];
        Assert.Equal((Verdict.Verified, "for bob too"), (after.Verdict, after.Content?.Text));
    }

    ConclaveClient Enrol(PaperServer server, string login)
    {
        server.Enrol(login, _folder);
        return server.Client(login, _folder);
    }
}
