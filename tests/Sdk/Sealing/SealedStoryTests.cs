using Conclave.Protocol;
using Conclave.Sdk;

namespace Conclave.Tests.Sdk.Sealing;

/// <summary>What people do in sealed lobbies, against a server that does what it must.</summary>
public sealed class SealedStoryTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Sealed_lobby_looks_like_a_plain_one_to_the_caller()
    {
        await using var den = await PaperDen.EmptyAsync();
        var (alice, bob) = (den.Enrol("alice"), den.Enrol("bob"));

        var made = await alice.Lobbies.CreateSealedAsync("first_lobby", cancellationToken: Cancel);
        Assert.Equal(8, made.LobbyId.Version);
        var posted = await alice.PostAsync("first_lobby", "the password is 'test123'", cancellationToken: Cancel);
        await alice.Lobbies.InviteAsync("first_lobby", "bob", cancellationToken: Cancel);
        await PostAsync(bob, made.LobbyId, """{"t":"secret","name":"db","value":"x"}""");
        await PostAsync(bob, made.LobbyId, """[1.0, {"a":2}]""");

        Assert.Equal(2, posted.Seq);
        var page = await bob.HistoryAsync("first_lobby", cancellationToken: Cancel);
        Assert.Equal(
            [EventName.LobbyCreated, EventName.Message, EventName.MemberInvited, EventName.Message, EventName.Message],
            page.Entries.Select(entry => entry.Event));
        Assert.All(page.Entries, entry => Assert.Equal((Verdict.Verified, null), (entry.Verdict, entry.Fault)));
        Assert.Equal("the password is 'test123'", page.Entries[1].Content?.Text);
        Assert.Equal(("alice", "bob"), (page.Entries[2].From.Login, page.Entries[2].Member?.Login));
        Assert.Equal("secret", page.Entries[3].Content?.Type);
        Assert.Equal("""[1.0, {"a":2}]""", page.Entries[4].Content?.Json.ToJson());
        Assert.DoesNotContain("test123", den.Heard);
    }

    [Fact]
    public async Task Removed_member_is_locked_out_by_a_new_key_and_the_post_after_it_just_works()
    {
        await using var den = await PaperDen.StartAsync();
        var bob = await den.LetInAsync("bob");
        _ = await den.LetInAsync("carol");
        await bob.PostAsync("den", "before", cancellationToken: Cancel);

        await den.Alice.Lobbies.RemoveMemberAsync("den", den.Server.Users["carol"].Token, cancellationToken: Cancel);
        await bob.PostAsync("den", "after", cancellationToken: Cancel);

        Assert.Equal(2UL, den.Lobby.Log.Roster!.Generation);
        var roster = await bob.Lobbies.RosterAsync("den", Cancel);
        Assert.Equal(["alice", "bob"], roster.Members.Select(member => member.Login));
        Assert.False(roster.IsRotationDue);
        var entries = (await bob.HistoryAsync("den", cancellationToken: Cancel)).Entries;
        Assert.Equal(["before", "after"], Texts(entries));
        Assert.Equal(EventName.KeyRotated, entries[^2].Event);
    }

    [Fact]
    public async Task Newcomer_reads_all_or_only_what_came_after_as_the_lobby_was_made()
    {
        await using var den = await PaperDen.EmptyAsync();
        var (alice, bob) = (den.Enrol("alice"), den.Enrol("bob"));
        foreach (var (name, history) in (IEnumerable<(string, LobbyHistory)>)[
            ("open", LobbyHistory.All), ("closed", LobbyHistory.FromJoin)])
        {
            await alice.Lobbies.CreateSealedAsync(name, history, Cancel);
            await alice.PostAsync(name, "old", cancellationToken: Cancel);
            await alice.Lobbies.RotateKeyAsync(name, Cancel);
            await alice.PostAsync(name, "older key", cancellationToken: Cancel);
            await alice.Lobbies.InviteAsync(name, "bob", cancellationToken: Cancel);
            await alice.PostAsync(name, "new", cancellationToken: Cancel);
        }

        var open = (await bob.HistoryAsync("open", cancellationToken: Cancel)).Entries;
        var closed = (await bob.HistoryAsync("closed", cancellationToken: Cancel)).Entries;

        Assert.Equal(["old", "older key", "new"], Texts(open));
        Assert.Equal(["new"], Texts(closed));
        Assert.Equal(
            [(Verdict.Unreadable, "no_key"), (Verdict.Unreadable, "no_key"), (Verdict.Verified, null)],
            closed.Where(entry => entry.Event == EventName.Message).Select(entry => (entry.Verdict, entry.Fault)));
    }

    [Fact]
    public async Task Subscription_hands_out_opened_entries_stored_and_live()
    {
        await using var den = await PaperDen.StartAsync();
        var bob = await den.LetInAsync("bob");
        await den.SayAsync("one");
        _ = await bob.HistoryAsync("den", cancellationToken: Cancel);
        await den.SayAsync("two");

        await using var subscription = await bob.SubscribeAsync("den", Position.Start, Cancel);
        var reading = subscription.ReadAllAsync(Cancel).Take(6).ToListAsync(Cancel);
        await den.Alice.Lobbies.RotateKeyAsync("den", Cancel);
        await den.SayAsync("three");

        var entries = await reading;
        Assert.Equal(Enumerable.Range(1, 6), entries.Select(entry => (int)entry.Seq));
        Assert.Equal(["one", "two", "three"], Texts(entries));
    }

    [Fact]
    public async Task Secrets_are_replaced_by_compare_and_swap()
    {
        await using var den = await PaperDen.StartAsync();
        var alice = den.Alice;

        var first = await alice.Secrets.SetAsync("den", "db", "one", cancellationToken: Cancel);
        var second = await alice.Secrets.SetAsync("den", "db", "two", first, Cancel);
        var lost = await Assert.ThrowsAsync<ConflictException>(
            () => alice.Secrets.SetAsync("den", "db", "three", first, Cancel));
        // Two that replace the same version at the same time: the earlier one counts.
        await PostAsync(alice, "den", $$"""{"t":"secret","name":"db","value":"won","prev":{{second}} }""");
        await PostAsync(alice, "den", $$"""{"t":"secret","name":"db","value":"late","prev":{{second}} }""");

        Assert.Equal(second, lost.Seq);
        Assert.Equal("won", (await alice.Secrets.GetAsync("den", "db", Cancel))?.Value);
        await alice.Secrets.RetireAsync("den", "db", Cancel);
        Assert.Null(await alice.Secrets.GetAsync("den", "db", Cancel));
        Assert.Empty(await alice.Secrets.ListAsync("den", Cancel));
    }

    [Fact]
    public async Task Files_of_any_size_come_back_as_they_were()
    {
        await using var den = await PaperDen.StartAsync();
        var bob = await den.LetInAsync("bob");
        foreach (var size in (IEnumerable<int>)[0, 1, 512 * 1024, (1024 * 1024) + 1])
        {
            var bytes = new byte[size];
            for (var index = 0; index < size; index++)
                bytes[index] = (byte)(index * 31);
            await den.Alice.Files.PutAsync("den", $"file {size}", "text/plain", new MemoryStream(bytes), Cancel);

            using var back = new MemoryStream();
            var file = await bob.Files.GetAsync("den", $"file {size}", back, Cancel);

            Assert.Equal(size, file?.Size);
            Assert.Equal(bytes, back.ToArray());
        }
        Assert.Equal(4, (await bob.Files.ListAsync("den", Cancel)).Count);
    }

    static Task<MessageReply> PostAsync(ConclaveClient client, LobbyRef lobby, string json) =>
        client.PostAsync(lobby, Content.OfJson(json), cancellationToken: Cancel);

    static IEnumerable<string> Texts(IEnumerable<Entry> entries) =>
        entries.Select(entry => entry.Content?.Text).OfType<string>();
}
