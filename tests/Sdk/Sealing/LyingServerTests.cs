using System.Text.Json.Nodes;
using Conclave.Roster;
using Conclave.Sdk;
using Conclave.Sealing;
using Verdict = Conclave.Sdk.Verdict;

namespace Conclave.Tests.Sdk.Sealing;

/// <summary>Each lie that docs/sealing.md, section 11, lays at the server's door, told to a whole client.</summary>
public sealed class LyingServerTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Typed_password_is_not_sent_to_a_server_that_calls_the_account_plain()
    {
        await using var den = await PaperDen.EmptyAsync();
        den.Server.Users["alice"] = new PaperUser("alice", Guid.NewGuid()) { Auth = "password of alice" };
        await using var client = new ConclaveClient(den.Server.OptionsFor(den.Folder));

        var alarm = await Assert.ThrowsAsync<AlarmException>(
            () => client.SignInAsync("alice", "password of alice", Cancel));

        Assert.Equal(AlarmCode.PlainAccount, alarm.Code);
        Assert.Equal(["kdf"], den.Server.Requests.Select(request => (string?)request["action"]));
        // A person's explicit act is another matter.
        await client.SignInToPlainAccountAsync("alice", "password of alice"u8.ToArray(), Cancel);
    }

    [Theory]
    [InlineData(2, 131_072)]
    [InlineData(3, 1_024)]
    [InlineData(17, 131_072)]
    [InlineData(3, 2_000_000)]
    public async Task Nothing_is_derived_or_sent_for_a_password_that_would_be_cheap_to_guess(int ops, int mem)
    {
        await using var den = await PaperDen.EmptyAsync();
        den.Server.Users["alice"] = new PaperUser("alice", Guid.NewGuid())
        {
            Kdf = new JsonObject
            {
                ["v"] = 1,
                ["salt"] = Base64Text.Encode(new byte[16]),
                ["ops"] = ops,
                ["mem"] = mem,
            },
        };
        await using var client = new ConclaveClient(den.Server.OptionsFor(den.Folder));

        var alarm = await Assert.ThrowsAsync<AlarmException>(() => client.SignInAsync("alice", "a password", Cancel));

        Assert.Equal(AlarmCode.WeakKdf, alarm.Code);
        Assert.DoesNotContain(den.Server.Requests, request => (string?)request["action"] == "auth");
    }

    [Fact]
    public async Task Lobby_with_an_id_of_version_8_is_sealed_whatever_the_server_says()
    {
        await using var den = await PaperDen.StartAsync();
        den.Server.Lie = (_, reply) =>
        {
            if (reply.ContainsKey("sealed"))
                reply["sealed"] = false;
            return null;
        };
        var again = den.Elsewhere("alice");

        await again.PostAsync("den", "the password is 'test123'", cancellationToken: Cancel);

        await Assert.ThrowsAsync<ArgumentException>(
            () => again.Lobbies.DeclarePlainAsync(den.Lobby.Id, Cancel));
        Assert.DoesNotContain("test123", den.Heard);
    }

    [Fact]
    public async Task Name_that_leads_to_a_plain_lobby_or_to_another_one_gets_no_post()
    {
        await using var den = await PaperDen.StartAsync();
        await den.Alice.Lobbies.CreateSealedAsync("trap", cancellationToken: Cancel);
        var trap = den.Server.LobbyNamed("trap").Id.ToString();
        var stranger = den.Elsewhere("alice");
        den.Server.Lie = (request, reply) =>
        {
            if ((string?)request["action"] == "lobby_id")
                reply["lobby_id"] = trap;
            return null;
        };
        Assert.Equal(AlarmCode.NameMoved, (await PostAlarmAsync(stranger, "den")).Code);
        var deletion = await Assert.ThrowsAsync<AlarmException>(() => stranger.Lobbies.DeleteAsync("den", Cancel));
        Assert.Equal(AlarmCode.NameMoved, deletion.Code);
        var erasure = await Assert.ThrowsAsync<AlarmException>(
            () => stranger.Lobbies.EraseMessageAsync("den", 2, Cancel));
        Assert.Equal(AlarmCode.NameMoved, erasure.Code);
        Assert.DoesNotContain(
            den.Server.Requests, request => (string?)request["action"] is "delete_lobby" or "delete_message");

        trap = Guid.NewGuid().ToString();
        Assert.Equal(AlarmCode.NotDeclaredPlain, (await PostAlarmAsync(stranger, "den")).Code);
        // Whoever has been there does not ask where the name leads.
        await den.SayAsync("hello");
        Assert.DoesNotContain("hello", den.Server.Requests[^1].ToJsonString());
    }

    [Fact]
    public async Task Rollback_is_noticed_also_by_the_next_run()
    {
        await using var den = await PaperDen.StartAsync();
        var lobby = await RollBackAsync(den);

        var again = den.Again("alice");
        Assert.Equal(AlarmCode.Rollback, (await PostAlarmAsync(again, "den")).Code);
        // It stays, also when the server behaves again, until a person decides.
        den.Server.Lobbies[lobby.Id] = lobby;
        Assert.Equal(AlarmCode.Rollback, (await PostAlarmAsync(again, "den")).Code);
        await again.Trust.DismissAlarmAsync(lobby.Id, Cancel);
        await again.PostAsync("den", "three", cancellationToken: Cancel);
        Assert.Equal(4, lobby.Rows.Count);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(1L)]
    [InlineData(3L)]
    public async Task Rollback_is_noticed_before_a_subscription_begins(long? after)
    {
        await using var den = await PaperDen.StartAsync();
        await RollBackAsync(den);
        var from = after is { } seq ? new Position(seq) : (Position?)null;

        var again = den.Again("alice");
        var alarm = await Assert.ThrowsAsync<AlarmException>(() => again.SubscribeAsync("den", from, Cancel));

        Assert.Equal(AlarmCode.Rollback, alarm.Code);
    }

    [Fact]
    public async Task Fork_is_learnt_by_both_when_a_message_crosses()
    {
        await using var den = await PaperDen.StartAsync();
        var bob = await den.LetInAsync("bob");
        _ = await bob.HistoryAsync("den", cancellationToken: Cancel);
        var hers = den.Lobby;
        var his = den.Server.Apart["bob"] = hers.Copy();
        await den.SayAsync("only for her");
        await bob.PostAsync("den", "only for him", cancellationToken: Cancel);
        await den.SayAsync("crosses over");
        await bob.PostAsync("den", "crosses back", cancellationToken: Cancel);

        // What each wrote last is shown to the other as well.
        his.Force(hers.Rows[^1].Sender, hers.Rows[^1].RowData, hers.Rows[^1].Nonce);
        hers.Force(his.Rows[3].Sender, his.Rows[3].RowData, his.Rows[3].Nonce);
        var seenByBob = (await bob.HistoryAsync("den", cancellationToken: Cancel)).Entries[^1];
        var seenByAlice = (await den.Alice.HistoryAsync("den", cancellationToken: Cancel)).Entries[^1];

        Assert.Equal((Verdict.Refused, "fork", null), (seenByBob.Verdict, seenByBob.Fault, seenByBob.Content));
        Assert.Equal((Verdict.Refused, "fork", null), (seenByAlice.Verdict, seenByAlice.Fault, seenByAlice.Content));
        Assert.Equal("fork", (await PostAlarmAsync(bob, "den")).Code);
        Assert.Equal("fork", (await PostAlarmAsync(den.Alice, "den")).Code);
        var codeOfHers = await den.Alice.Trust.LobbyCodeAsync("den", Cancel);
        var codeOfHis = await bob.Trust.LobbyCodeAsync("den", Cancel);
        Assert.NotEqual(codeOfHers.Code, codeOfHis.Code);
    }

    [Fact]
    public async Task Another_history_under_the_same_seq_is_a_fork()
    {
        await using var den = await PaperDen.StartAsync();
        var bob = await den.LetInAsync("bob");
        var lobby = den.Lobby;
        var other = lobby.Copy();
        await den.SayAsync("one");
        _ = await bob.HistoryAsync("den", cancellationToken: Cancel);

        // A row dropped, or rewritten: the rows after the invitation are others now.
        den.Server.Lobbies[lobby.Id] = other;
        await den.Elsewhere("alice").PostAsync("den", "in its place", cancellationToken: Cancel);
        var alarm = await Assert.ThrowsAsync<AlarmException>(() => bob.HistoryAsync("den", cancellationToken: Cancel));

        Assert.Equal(AlarmCode.Fork, alarm.Code);
    }

    [Fact]
    public async Task Ghost_and_replay_are_refused_shown_as_nothing_and_end_posting()
    {
        await using var den = await PaperDen.EmptyAsync();
        var (alice, bob) = (den.Enrol("alice"), den.Enrol("bob"));
        foreach (var name in (IEnumerable<string>)["haunted", "echo"])
        {
            await alice.Lobbies.CreateSealedAsync(name, cancellationToken: Cancel);
            await alice.Lobbies.InviteAsync(name, "bob", cancellationToken: Cancel);
            await alice.PostAsync(name, "one", cancellationToken: Cancel);
        }
        var ghost = den.Server.Enrol("mallory", den.Folder);
        using var mallory = Identity.FromSeed("mallory", den.Server.SeedOf("mallory"));
        var haunted = den.Server.LobbyNamed("haunted");
        var letIn = new RosterChange.Invite(mallory.Fingerprint, ghost.Token, MemberRights.All);
        var forged = RosterSigner.Sign(mallory, haunted.Log.Roster, letIn);
        haunted.Force(ghost.Token, SealedRow.AroundEntry(forged), null);
        var echo = den.Server.LobbyNamed("echo");
        echo.Force(echo.Rows[^1].Sender, echo.Rows[^1].RowData, echo.Rows[^1].Nonce);

        foreach (var (name, code) in (IEnumerable<(string, string)>)[("haunted", "not_a_member"), ("echo", "replay")])
        {
            var entry = (await bob.HistoryAsync(name, cancellationToken: Cancel)).Entries[^1];
            Assert.Equal((Verdict.Refused, code, null), (entry.Verdict, entry.Fault, entry.Content));
            Assert.Equal(code, (await PostAlarmAsync(bob, name)).Code);
        }
        Assert.Equal(2, (await bob.Lobbies.RosterAsync("haunted", Cancel)).Members.Count);
    }

    [Fact]
    public async Task Changed_key_gets_nothing_until_a_person_accepts_it()
    {
        await using var den = await PaperDen.StartAsync();
        var bob = den.Enrol("bob");
        var contact = await den.Alice.Trust.FindAsync("bob", Cancel);
        Assert.Equal((await bob.Trust.FindAsync("alice", Cancel)).SafetyNumber, contact.SafetyNumber);
        await den.Alice.Trust.MarkVerifiedAsync("bob", contact.Fingerprint, Cancel);

        den.Server.Enrol("bob", Path.Combine(den.Folder, "bob's new device"));
        var alarm = await Assert.ThrowsAsync<AlarmException>(
            () => den.Alice.Lobbies.InviteAsync("den", "bob", cancellationToken: Cancel));

        Assert.Equal((AlarmCode.KeyChanged, "bob"), (alarm.Code, alarm.Login));
        Assert.Single(den.Lobby.Rows);
        var changed = await den.Alice.Trust.FindAsync("bob", Cancel);
        Assert.False(changed.Change?.IsSigned);
        await den.Alice.Trust.AcceptNewKeyAsync("bob", changed.Change!.Fingerprint, Cancel);
        await den.Alice.Lobbies.InviteAsync("den", "bob", cancellationToken: Cancel);
        var known = await den.Alice.Trust.ContactsAsync(Cancel);
        Assert.False(Assert.Single(known, contact => contact.Login == "bob").IsVerified);
    }

    [Fact]
    public async Task Nothing_is_posted_where_the_roster_names_somebody_with_a_changed_key()
    {
        await using var den = await PaperDen.StartAsync();
        var bob = await den.LetInAsync("bob");
        await den.SayAsync("one");

        den.Server.Enrol("bob", Path.Combine(den.Folder, "bob's new device"));
        _ = await den.Alice.Trust.FindAsync("bob", Cancel);
        Assert.Equal(AlarmCode.KeyChanged, (await PostAlarmAsync(den.Alice, "den")).Code);
        // To remove such a member is what one may well want to do.
        await den.Alice.Lobbies.RemoveMemberAsync("den", den.Server.Users["bob"].Token, cancellationToken: Cancel);
        await den.SayAsync("two");
        Assert.Equal(2UL, den.Lobby.Log.Roster!.Generation);
    }

    [Fact]
    public async Task Acknowledgement_of_something_else_is_found_out()
    {
        await using var den = await PaperDen.StartAsync();
        await den.SayAsync("one");
        den.Server.Lie = (request, reply) =>
        {
            if ((string?)request["action"] == "message")
                reply["seq"] = 2;
            return null;
        };

        var alarm = await PostAlarmAsync(den.Alice, "den");

        Assert.Equal((AlarmCode.Rewritten, 2), (alarm.Code, alarm.Seq));
    }

    // The last of the three rows that alice has read is gone from the server.
    static async Task<PaperLobby> RollBackAsync(PaperDen den)
    {
        await den.SayAsync("one");
        await den.SayAsync("two");
        _ = await den.Alice.HistoryAsync("den", cancellationToken: Cancel);
        var whole = den.Lobby;
        den.Server.Lobbies[whole.Id] = whole.Copy(rows: 2);
        return whole;
    }

    static async Task<AlarmException> PostAlarmAsync(ConclaveClient client, string lobby) =>
        await Assert.ThrowsAsync<AlarmException>(() => client.PostAsync(lobby, "never", cancellationToken: Cancel));
}
