using System.Text.Json.Nodes;
using Conclave.Protocol;
using Conclave.Sdk;

namespace Conclave.Tests.Sdk.Sealing;

/// <summary>Writers who are in each other's way, and answers that get lost.</summary>
public sealed class WriterRaceTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Two_who_rotate_at_once_end_with_one_new_key_and_both_posts()
    {
        await using var den = await PaperDen.StartAsync();
        var bob = await den.LetInAsync("bob");
        var carol = await den.LetInAsync("carol", Rights.Read);
        _ = await bob.HistoryAsync("den", cancellationToken: Cancel);
        await carol.Lobbies.LeaveAsync("den", cancellationToken: Cancel);
        Assert.True(den.Lobby.Log.Roster!.IsDirty);

        await Task.WhenAll(den.SayAsync("hers"), bob.PostAsync("den", "his", cancellationToken: Cancel));

        Assert.Equal(2UL, den.Lobby.Log.Roster!.Generation);
        var entries = (await den.Alice.HistoryAsync("den", cancellationToken: Cancel)).Entries;
        Assert.Equal(["hers", "his"], entries.Select(entry => entry.Content?.Text).OfType<string>().Order());
    }

    [Fact]
    public async Task Message_sealed_again_after_the_log_went_on_keeps_its_id_and_is_stored_once()
    {
        await using var den = await PaperDen.StartAsync();
        var bob = await den.LetInAsync("bob");
        await bob.PostAsync("den", "one", cancellationToken: Cancel);
        await den.Alice.Lobbies.RotateKeyAsync("den", Cancel);

        // Bob does not know of the new key: the server calls his message stale, and he never hears of it.
        var id = Guid.NewGuid();
        var posted = await bob.PostAsync("den", "two", id, Cancel);

        var messages = den.Server.Requests.Where(request => (string?)request["nonce"] == id.ToString()).ToList();
        Assert.Equal(2, messages.Count);
        Assert.NotEqual(messages[0]["row_data"]!.ToJsonString(), messages[1]["row_data"]!.ToJsonString());
        Assert.Equal(id, den.Lobby.Rows[(int)posted.Seq - 1].Nonce);
    }

    [Fact]
    public async Task Post_whose_acknowledgement_was_lost_with_the_program_is_not_stored_twice()
    {
        await using var den = await PaperDen.StartAsync();
        var id = Guid.NewGuid();
        den.Server.Lie = (request, reply) => (string?)request["action"] == "message"
            ? new JsonObject
            {
                ["id"] = reply["id"]!.DeepClone(),
                ["action"] = "message",
                ["ok"] = false,
                ["error"] = new JsonObject { ["code"] = "internal", ["message"] = "Lost." },
            }
            : null;
        await Assert.ThrowsAsync<RefusedException>(() => den.Alice.PostAsync("den", "once", id, Cancel));
        await den.Alice.DisposeAsync();
        den.Server.Lie = null;

        var again = den.Again("alice");
        var posted = await again.PostAsync("den", "once", id, Cancel);

        Assert.Equal(2, posted.Seq);
        Assert.Equal(2, den.Lobby.Rows.Count);
        var entry = (await again.HistoryAsync("den", cancellationToken: Cancel)).Entries[^1];
        Assert.Equal((Verdict.Verified, "once"), (entry.Verdict, entry.Content?.Text));
    }

    [Fact]
    public async Task Key_that_was_withheld_is_handed_over_by_another_member()
    {
        await using var den = await PaperDen.StartAsync();
        var bob = await den.LetInAsync("bob");
        await den.SayAsync("for bob too");
        var lobby = den.Lobby;
        var fingerprint = PaperServer.Record(den.Server.Users["bob"]).Fingerprint;
        lobby.Wraps.RemoveAll(wrap => wrap.To == fingerprint);

        var before = (await bob.HistoryAsync("den", cancellationToken: Cancel)).Entries[^1];
        Assert.Equal((Verdict.Unreadable, "no_key"), (before.Verdict, before.Fault));
        Assert.Contains(den.Server.Requests, request => (string?)request["action"] == "need_key");
        await den.Server.AskForKeyAsync("alice", lobby, 1, den.Server.Users["bob"]);
        while (lobby.Wraps.TrueForAll(wrap => wrap.To != fingerprint))
            await den.Alice.PingAsync(Cancel);

        var again = den.Again("bob");
        var after = (await again.HistoryAsync("den", cancellationToken: Cancel)).Entries[^1];
        Assert.Equal((Verdict.Verified, "for bob too"), (after.Verdict, after.Content?.Text));
    }
}
