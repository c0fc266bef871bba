using System.Text.Json.Nodes;
using Conclave.Roster;
using Conclave.Sdk;
using Conclave.Sealing;
using Verdict = Conclave.Sdk.Verdict;

namespace Conclave.Tests.Sdk.Sealing;

/// <summary>Each lie that docs/sealing.md, section 11, lays at the server's door, told to a whole client.</summary>
public sealed class LyingServerTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("conclave-state-").FullName;

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Typed_password_is_not_sent_to_a_server_that_calls_the_account_plain()
    {
        await using var server = await PaperServer.StartAsync();
        server.Users["alice"] = new PaperUser("alice", Guid.NewGuid()) { Auth = "password of alice" };
        await using var client = new ConclaveClient(server.OptionsFor(_folder));

        var alarm = await Assert.ThrowsAsync<AlarmException>(
            () => client.SignInAsync("alice", "password of alice", Cancel));

        Assert.Equal(AlarmCode.PlainAccount, alarm.Code);
        Assert.Equal(["kdf"], server.Requests.Select(request => (string?)request["action"]));
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
        await using var server = await PaperServer.StartAsync();
        server.Users["alice"] = new PaperUser("alice", Guid.NewGuid())
        {
            Kdf = new JsonObject
            {
                ["v"] = 1,
                ["salt"] = Base64Text.Encode(new byte[16]),
                ["ops"] = ops,
                ["mem"] = mem,
            },
        };
        await using var client = new ConclaveClient(server.OptionsFor(_folder));

        var alarm = await Assert.ThrowsAsync<AlarmException>(() => client.SignInAsync("alice", "a password", Cancel));

        Assert.Equal(AlarmCode.WeakKdf, alarm.Code);
        Assert.DoesNotContain(server.Requests, request => (string?)request["action"] == "auth");
    }

    [Fact]
    public async Task Lobby_with_an_id_of_version_8_is_sealed_whatever_the_server_says()
    {
        await using var server = await PaperServer.StartAsync();
        await using var alice = Enrol(server, "alice");
        await alice.Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        server.Lie = (_, reply) =>
        {
            if (reply.ContainsKey("sealed"))
                reply["sealed"] = false;
            return null;
        };
        await using var again = server.Client("alice", Fresh(server, "alice"));

        await again.PostAsync("den", "the password is 'test123'", cancellationToken: Cancel);

        await Assert.ThrowsAsync<ArgumentException>(
            () => again.Lobbies.DeclarePlainAsync(server.LobbyNamed("den").Id, Cancel));
        Assert.DoesNotContain("test123", string.Join('\n', server.Requests.Select(request => request.ToJsonString())));
    }

    [Fact]
    public async Task Name_that_leads_to_a_plain_lobby_or_to_another_one_gets_no_post()
    {
        await using var server = await PaperServer.StartAsync();
        await using var alice = Enrol(server, "alice");
        await alice.Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        await alice.Lobbies.CreateSealedAsync("trap", cancellationToken: Cancel);
        var trap = server.LobbyNamed("trap").Id.ToString();
        await using var stranger = server.Client("alice", Fresh(server, "alice"));
        server.Lie = (request, reply) =>
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
            server.Requests, request => (string?)request["action"] is "delete_lobby" or "delete_message");

        trap = Guid.NewGuid().ToString();
        Assert.Equal(AlarmCode.NotDeclaredPlain, (await PostAlarmAsync(stranger, "den")).Code);
        // Whoever has been there does not ask where the name leads.
        await alice.PostAsync("den", "hello", cancellationToken: Cancel);
        Assert.DoesNotContain("hello", server.Requests[^1].ToJsonString());
    }

    [Fact]
    public async Task Rollback_is_noticed_also_by_the_next_run()
    {
        await using var server = await PaperServer.StartAsync();
        await using var alice = Enrol(server, "alice");
        await alice.Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        await alice.PostAsync("den", "one", cancellationToken: Cancel);
        await alice.PostAsync("den", "two", cancellationToken: Cancel);
        _ = await alice.HistoryAsync("den", cancellationToken: Cancel);
        var den = server.LobbyNamed("den");
        server.Lobbies[den.Id] = den.Copy(rows: 2);

        await using var again = server.Client("alice", _folder);
        Assert.Equal(AlarmCode.Rollback, (await PostAlarmAsync(again, "den")).Code);
        // It stays, also when the server behaves again, until a person decides.
        server.Lobbies[den.Id] = den;
        Assert.Equal(AlarmCode.Rollback, (await PostAlarmAsync(again, "den")).Code);
        await again.Trust.DismissAlarmAsync(den.Id, Cancel);
        await again.PostAsync("den", "three", cancellationToken: Cancel);
        Assert.Equal(4, den.Rows.Count);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(1L)]
    [InlineData(3L)]
    public async Task Rollback_is_noticed_before_a_subscription_begins(long? after)
    {
        await using var server = await PaperServer.StartAsync();
        await using var alice = Enrol(server, "alice");
        await alice.Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        await alice.PostAsync("den", "one", cancellationToken: Cancel);
        await alice.PostAsync("den", "two", cancellationToken: Cancel);
        _ = await alice.HistoryAsync("den", cancellationToken: Cancel);
        var den = server.LobbyNamed("den");
        server.Lobbies[den.Id] = den.Copy(rows: 2);
        var from = after is { } seq ? new Position(seq) : (Position?)null;

        await using var again = server.Client("alice", _folder);
        var alarm = await Assert.ThrowsAsync<AlarmException>(() => again.SubscribeAsync("den", from, Cancel));

        Assert.Equal(AlarmCode.Rollback, alarm.Code);
    }

    [Fact]
    public async Task Fork_is_learnt_by_both_when_a_message_crosses()
    {
        await using var server = await PaperServer.StartAsync();
        await using var alice = Enrol(server, "alice");
        await using var bob = Enrol(server, "bob");
        await alice.Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        await alice.Lobbies.InviteAsync("den", "bob", cancellationToken: Cancel);
        _ = await bob.HistoryAsync("den", cancellationToken: Cancel);
        var hers = server.LobbyNamed("den");
        var his = server.Apart["bob"] = hers.Copy();
        await alice.PostAsync("den", "only for her", cancellationToken: Cancel);
        await bob.PostAsync("den", "only for him", cancellationToken: Cancel);
        await alice.PostAsync("den", "crosses over", cancellationToken: Cancel);
        await bob.PostAsync("den", "crosses back", cancellationToken: Cancel);

        // What each wrote last is shown to the other as well.
        his.Force(hers.Rows[^1].Sender, hers.Rows[^1].RowData, hers.Rows[^1].Nonce);
        hers.Force(his.Rows[3].Sender, his.Rows[3].RowData, his.Rows[3].Nonce);
        var seenByBob = (await bob.HistoryAsync("den", cancellationToken: Cancel)).Entries[^1];
        var seenByAlice = (await alice.HistoryAsync("den", cancellationToken: Cancel)).Entries[^1];

        Assert.Equal((Verdict.Refused, "fork", null), (seenByBob.Verdict, seenByBob.Fault, seenByBob.Content));
        Assert.Equal((Verdict.Refused, "fork", null), (seenByAlice.Verdict, seenByAlice.Fault, seenByAlice.Content));
        Assert.Equal("fork", (await PostAlarmAsync(bob, "den")).Code);
        Assert.Equal("fork", (await PostAlarmAsync(alice, "den")).Code);
        var codeOfHers = await alice.Trust.LobbyCodeAsync("den", Cancel);
        var codeOfHis = await bob.Trust.LobbyCodeAsync("den", Cancel);
        Assert.NotEqual(codeOfHers.Code, codeOfHis.Code);
    }

    [Fact]
    public async Task Another_history_under_the_same_seq_is_a_fork()
    {
        await using var server = await PaperServer.StartAsync();
        await using var alice = Enrol(server, "alice");
        await using var bob = Enrol(server, "bob");
        await alice.Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        await alice.Lobbies.InviteAsync("den", "bob", cancellationToken: Cancel);
        var den = server.LobbyNamed("den");
        var other = den.Copy();
        await alice.PostAsync("den", "one", cancellationToken: Cancel);
        _ = await bob.HistoryAsync("den", cancellationToken: Cancel);

        // A row dropped, or rewritten: the rows after the invitation are others now.
        server.Lobbies[den.Id] = other;
        await using (var elsewhere = server.Client("alice", Fresh(server, "alice")))
            await elsewhere.PostAsync("den", "in its place", cancellationToken: Cancel);
        var alarm = await Assert.ThrowsAsync<AlarmException>(() => bob.HistoryAsync("den", cancellationToken: Cancel));

        Assert.Equal(AlarmCode.Fork, alarm.Code);
    }

    [Fact]
    public async Task Ghost_and_replay_are_refused_shown_as_nothing_and_end_posting()
    {
        await using var server = await PaperServer.StartAsync();
        await using var alice = Enrol(server, "alice");
        await using var bob = Enrol(server, "bob");
        foreach (var name in (IEnumerable<string>)["haunted", "echo"])
        {
            await alice.Lobbies.CreateSealedAsync(name, cancellationToken: Cancel);
            await alice.Lobbies.InviteAsync(name, "bob", cancellationToken: Cancel);
            await alice.PostAsync(name, "one", cancellationToken: Cancel);
        }
        var ghost = server.Enrol("mallory", _folder);
        using var mallory = Identity.FromSeed("mallory", server.SeedOf("mallory"));
        var haunted = server.LobbyNamed("haunted");
        var letIn = new RosterChange.Invite(mallory.Fingerprint, ghost.Token, MemberRights.All);
        var forged = RosterSigner.Sign(mallory, haunted.Log.Roster, letIn);
        haunted.Force(ghost.Token, SealedRow.AroundEntry(forged), null);
        var echo = server.LobbyNamed("echo");
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
        await using var server = await PaperServer.StartAsync();
        await using var alice = Enrol(server, "alice");
        await using var bob = Enrol(server, "bob");
        await alice.Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        var contact = await alice.Trust.FindAsync("bob", Cancel);
        Assert.Equal((await bob.Trust.FindAsync("alice", Cancel)).SafetyNumber, contact.SafetyNumber);
        await alice.Trust.MarkVerifiedAsync("bob", contact.Fingerprint, Cancel);

        server.Enrol("bob", Path.Combine(_folder, "bob's new device"));
        var alarm = await Assert.ThrowsAsync<AlarmException>(
            () => alice.Lobbies.InviteAsync("den", "bob", cancellationToken: Cancel));

        Assert.Equal((AlarmCode.KeyChanged, "bob"), (alarm.Code, alarm.Login));
        Assert.Single(server.LobbyNamed("den").Rows);
        var changed = await alice.Trust.FindAsync("bob", Cancel);
        Assert.False(changed.Change?.IsSigned);
        await alice.Trust.AcceptNewKeyAsync("bob", changed.Change!.Fingerprint, Cancel);
        await alice.Lobbies.InviteAsync("den", "bob", cancellationToken: Cancel);
        Assert.False(Assert.Single(await alice.Trust.ContactsAsync(Cancel), known => known.Login == "bob").IsVerified);
    }

    [Fact]
    public async Task Nothing_is_posted_where_the_roster_names_somebody_with_a_changed_key()
    {
        await using var server = await PaperServer.StartAsync();
        await using var alice = Enrol(server, "alice");
        await using var bob = Enrol(server, "bob");
        await alice.Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        await alice.Lobbies.InviteAsync("den", "bob", cancellationToken: Cancel);
        await alice.PostAsync("den", "one", cancellationToken: Cancel);

        server.Enrol("bob", Path.Combine(_folder, "bob's new device"));
        _ = await alice.Trust.FindAsync("bob", Cancel);
        Assert.Equal(AlarmCode.KeyChanged, (await PostAlarmAsync(alice, "den")).Code);
        // To remove such a member is what one may well want to do.
        await alice.Lobbies.RemoveMemberAsync("den", server.Users["bob"].Token, cancellationToken: Cancel);
        await alice.PostAsync("den", "two", cancellationToken: Cancel);
        Assert.Equal(2UL, server.LobbyNamed("den").Log.Roster!.Generation);
    }

    [Fact]
    public async Task Acknowledgement_of_something_else_is_found_out()
    {
        await using var server = await PaperServer.StartAsync();
        await using var alice = Enrol(server, "alice");
        await alice.Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        await alice.PostAsync("den", "one", cancellationToken: Cancel);
        server.Lie = (request, reply) =>
        {
            if ((string?)request["action"] == "message")
                reply["seq"] = 2;
            return null;
        };

        var alarm = await PostAlarmAsync(alice, "den");

        Assert.Equal((AlarmCode.Rewritten, 2), (alarm.Code, alarm.Seq));
    }

    ConclaveClient Enrol(PaperServer server, string login)
    {
        server.Enrol(login, _folder);
        return server.Client(login, _folder);
    }

    // Another device of somebody, or of somebody who took the login over, if the identity is another.
    string Fresh(PaperServer server, string login)
    {
        var folder = Path.Combine(_folder, Guid.NewGuid().ToString("N"));
        if (server.Users.TryGetValue(login, out var user) && server.SeedOf(login) is { } seed)
            server.Enrol(login, folder, Identity.FromSeed(user.Login, seed));
        return folder;
    }

    static async Task<AlarmException> PostAlarmAsync(ConclaveClient client, string lobby) =>
        await Assert.ThrowsAsync<AlarmException>(() => client.PostAsync(lobby, "never", cancellationToken: Cancel));
}
