using System.Text;
using Conclave.Protocol;
using Conclave.Server.Storage;
using Conclave.Tests.Support;
using Npgsql;
using static Conclave.Tests.Support.StorageRooms;

namespace Conclave.Tests.Server.Storage;

/// <summary>What the statements that append decide, on a real PostgreSQL.</summary>
public sealed class AppendTests(PostgresCluster postgres)
{
    const Rights Reader = Rights.Read;
    const Rights Inviter = Rights.Default | Rights.Invite;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Entry_is_stored_with_the_next_seq_and_comes_back_as_it_was()
    {
        await using var rooms = await OpenAsync(postgres);
        var (alice, bob) = (await rooms.AddUserAsync("alice"), await rooms.AddUserAsync("bob"));
        var lobby = await rooms.CreateLobbyAsync(alice);

        Assert.Equal(2, (await rooms.AppendAsync(Invitation(lobby, alice, bob, Inviter))).Seq);
        var message = Message(lobby, bob, "секрет");
        var appended = await rooms.AppendAsync(message);
        Assert.Equal((Outcome.Stored, 3L), (appended.Outcome, appended.Seq));

        var log = await rooms.LogAsync(lobby);
        Assert.Equal([1, 2, 3], log.Select(entry => entry.Seq));
        Assert.Equal(
            [EntryKind.LobbyCreated, EntryKind.MemberInvited, EntryKind.Message], log.Select(entry => entry.Kind));
        Assert.Equal(("den", alice), (log[0].Name, log[0].Author));
        Assert.Equal((bob, Inviter), (log[1].Member, log[1].Rights));
        Assert.Equal((bob, message.Nonce, appended.SentAt), (log[2].Author, log[2].Nonce, log[2].SentAt));
        Assert.Equal(message.RowData.ToArray(), log[2].RowData.ToArray());
    }

    [Fact]
    public async Task Each_right_allows_what_it_says_and_nothing_else()
    {
        await using var rooms = await OpenAsync(postgres);
        var (alice, bob) = (await rooms.AddUserAsync("alice"), await rooms.AddUserAsync("bob"));
        var (carol, dave) = (await rooms.AddUserAsync("carol"), await rooms.AddUserAsync("dave"));
        var lobby = await rooms.CreateLobbyAsync(alice);
        await rooms.AppendAsync(Invitation(lobby, alice, carol));

        foreach (var rights in Enumerable.Range(0, 8).Select(other => Rights.Read | (Rights)(other << 1)))
        {
            await rooms.AppendAsync(Invitation(lobby, alice, bob, rights));
            await ExpectAsync(rights.HasFlag(Rights.Write), Message(lobby, bob, "hello"));
            await ExpectAsync(rights.HasFlag(Rights.Invite), Invitation(lobby, bob, dave, Reader));
            await rooms.AppendAsync(Removal(lobby, alice, dave));
            await ExpectAsync(
                rights.HasFlag(Rights.Invite | Rights.Write), Invitation(lobby, bob, dave, Rights.Default));
            await rooms.AppendAsync(Removal(lobby, alice, dave));
            await ExpectAsync(rights.HasFlag(Rights.Admin), RightsChange(lobby, bob, carol, Reader));
            await ExpectAsync(rights.HasFlag(Rights.Admin), Removal(lobby, bob, carol));
            await rooms.AppendAsync(Invitation(lobby, alice, carol));
            // Anyone may leave.
            await ExpectAsync(isAllowed: true, Removal(lobby, bob, bob));
        }

        async Task ExpectAsync(bool isAllowed, NewEntry entry) => Assert.Equal(
            isAllowed ? Outcome.Stored : Outcome.Forbidden, (await rooms.AppendAsync(entry)).Outcome);
    }

    [Fact]
    public async Task Stranger_is_forbidden_everything_and_lobby_that_is_not_there_is_said_to_be_so()
    {
        await using var rooms = await OpenAsync(postgres);
        var (alice, bob) = (await rooms.AddUserAsync("alice"), await rooms.AddUserAsync("bob"));
        var lobby = await rooms.CreateLobbyAsync(alice);
        var elsewhere = rooms.Lobbies.Draw().Lobby;

        var results = await rooms.AppendAsync(
            [Message(lobby, bob, "x"), Message(elsewhere, bob, "x"), Message(lobby, alice, "x")]);

        Assert.Equal(
            [Outcome.Forbidden, Outcome.NoSuchLobby, Outcome.Stored], results.Select(result => result.Outcome));
        Assert.Equal(Outcome.Forbidden, (await rooms.AppendAsync(Invitation(lobby, bob, bob))).Outcome);
        Assert.Equal(Outcome.Forbidden, (await rooms.AppendAsync(RightsChange(lobby, bob, alice, Reader))).Outcome);
        Assert.Equal(Outcome.Forbidden, (await rooms.AppendAsync(Removal(lobby, bob, alice))).Outcome);
        Assert.Equal(Outcome.Forbidden, (await rooms.AppendAsync(Removal(lobby, bob, bob))).Outcome);
        Assert.Equal(2, (await rooms.LogAsync(lobby)).Count);
    }

    [Fact]
    public async Task Changes_of_members_are_judged_by_who_is_a_member()
    {
        await using var rooms = await OpenAsync(postgres);
        var (alice, bob) = (await rooms.AddUserAsync("alice"), await rooms.AddUserAsync("bob"));
        var lobby = await rooms.CreateLobbyAsync(alice);
        var nobody = new Person("nobody", Guid.NewGuid());

        Assert.Equal(Outcome.NoSuchUser, (await rooms.AppendAsync(Invitation(lobby, alice, nobody))).Outcome);
        Assert.Equal(Outcome.AlreadyMember, (await rooms.AppendAsync(Invitation(lobby, alice, alice))).Outcome);
        Assert.Equal(Outcome.NotAMember, (await rooms.AppendAsync(Removal(lobby, alice, bob))).Outcome);
        Assert.Equal(Outcome.NotAMember, (await rooms.AppendAsync(RightsChange(lobby, alice, bob, Reader))).Outcome);
        Assert.Equal(Outcome.LastAdmin, (await rooms.AppendAsync(Removal(lobby, alice, alice))).Outcome);
        Assert.Equal(Outcome.LastAdmin, (await rooms.AppendAsync(RightsChange(lobby, alice, alice, Inviter))).Outcome);

        await rooms.AppendAsync(Invitation(lobby, alice, bob, Rights.All));
        Assert.Equal(Outcome.Stored, (await rooms.AppendAsync(RightsChange(lobby, bob, alice, Reader))).Outcome);
        Assert.Equal(Outcome.LastAdmin, (await rooms.AppendAsync(Removal(lobby, bob, bob))).Outcome);
        Assert.Equal(Outcome.Stored, (await rooms.AppendAsync(Removal(lobby, alice, alice))).Outcome);
    }

    [Fact]
    public async Task Members_are_what_the_log_says()
    {
        await using var rooms = await OpenAsync(postgres);
        var (alice, bob) = (await rooms.AddUserAsync("alice"), await rooms.AddUserAsync("bob"));
        var lobby = await rooms.CreateLobbyAsync(alice);
        await rooms.AppendAsync(Invitation(lobby, alice, bob));
        await rooms.AppendAsync(RightsChange(lobby, alice, bob, Inviter));
        await rooms.AppendAsync(Removal(lobby, alice, bob));
        var again = await rooms.AppendAsync(Invitation(lobby, alice, bob, Reader));

        var members = await rooms.Lobbies.MembersAsync(lobby.LobbyId, after: null, Cancellation);
        Assert.Equal([("alice", Rights.All), ("bob", Reader)], members.Select(member => (member.Login, member.Rights)));
        Assert.Equal(again.SentAt, members[1].Since);
        var standing = await rooms.Lobbies.StandingAsync(lobby.LobbyId, bob.PublicToken, Cancellation);
        Assert.Equal(new Standing(5, "den", Reader, SinceSeq: 5), standing);
    }

    [Fact]
    public async Task Repeated_nonce_is_a_duplicate_only_with_the_same_content_and_author()
    {
        await using var rooms = await OpenAsync(postgres);
        var (alice, bob) = (await rooms.AddUserAsync("alice"), await rooms.AddUserAsync("bob"));
        var lobby = await rooms.CreateLobbyAsync(alice);
        var (invited, posted) = (Invitation(lobby, alice, bob), Message(lobby, alice, "first"));
        await rooms.AppendAsync(invited);
        var first = await rooms.AppendAsync(posted);

        var results = await rooms.AppendAsync(
        [
            Message(lobby, alice, "first", posted.Nonce),
            Message(lobby, bob, "other", posted.Nonce),
            Invitation(lobby, alice, bob, nonce: invited.Nonce),
        ]);

        Assert.Equal(new Appended(Outcome.Duplicate, lobby.LobbyId, first.Seq, first.SentAt), results[0]);
        Assert.Equal((Outcome.Stored, 4L), (results[1].Outcome, results[1].Seq));
        Assert.Equal((Outcome.Duplicate, 2L, "bob"), (results[2].Outcome, results[2].Seq, results[2].MemberLogin));
        NewEntry[] reused =
        [
            Message(lobby, alice, "fIrst", posted.Nonce),
            Message(lobby, alice, "longer than before", posted.Nonce),
            Message(lobby, alice, "x", invited.Nonce),
            Invitation(lobby, alice, bob, Reader, invited.Nonce),
            Invitation(lobby, alice, alice, nonce: invited.Nonce),
            Invitation(lobby, alice, bob, nonce: posted.Nonce),
        ];
        foreach (var entry in reused)
            Assert.Equal(new Appended(Outcome.NonceReused), await rooms.AppendAsync(entry));
        Assert.Equal(4, (await rooms.LogAsync(lobby)).Count);
    }

    [Fact]
    public async Task Duplicate_is_recognised_before_membership_is_judged()
    {
        await using var rooms = await OpenAsync(postgres);
        var (alice, bob) = (await rooms.AddUserAsync("alice"), await rooms.AddUserAsync("bob"));
        var lobby = await rooms.CreateLobbyAsync(alice);
        await rooms.AppendAsync(Invitation(lobby, alice, bob));
        var posted = Message(lobby, bob, "before");
        await rooms.AppendAsync(posted);
        await rooms.AppendAsync(Removal(lobby, alice, bob));

        Assert.Equal(Outcome.Duplicate, (await rooms.AppendAsync(posted)).Outcome);
        Assert.Equal(Outcome.Forbidden, (await rooms.AppendAsync(Message(lobby, bob, "after"))).Outcome);
    }

    [Fact]
    public async Task Creation_is_once_by_user_name_and_nonce_and_a_name_belongs_to_one_lobby()
    {
        await using var rooms = await OpenAsync(postgres);
        var (alice, bob) = (await rooms.AddUserAsync("alice"), await rooms.AddUserAsync("bob"));
        var nonce = Guid.NewGuid();
        var first = rooms.Creation(alice, "Straße", nonce);
        NewEntry[] together = [first, rooms.Creation(alice, "Straße", nonce), rooms.Creation(bob, "straße", nonce)];

        var results = await rooms.AppendAsync(together);
        var later = await rooms.AppendAsync(rooms.Creation(alice, "STRAßE", nonce));

        Assert.Equal(
            [Outcome.Stored, Outcome.Duplicate, Outcome.NameTaken], results.Select(result => result.Outcome));
        Assert.Equal([first.Lobby.LobbyId, first.Lobby.LobbyId], [results[0].LobbyId, results[1].LobbyId]);
        Assert.Equal((Outcome.Duplicate, first.Lobby.LobbyId), (later.Outcome, later.LobbyId));
        Assert.Equal(results[0].SentAt, later.SentAt);
        Assert.Equal(Outcome.NameTaken, (await rooms.AppendAsync(rooms.Creation(alice, "straße"))).Outcome);
        Assert.Equal(1L, await rooms.RunAsync("SELECT count(*) FROM lobbies"));
    }

    [Fact]
    public async Task Creation_that_lost_a_race_for_its_name_is_told_so()
    {
        await using var rooms = await OpenAsync(postgres);
        var alice = await rooms.AddUserAsync("alice");
        await using var other = await rooms.Database.Source.OpenConnectionAsync(Cancellation);
        await using var transaction = await other.BeginTransactionAsync(Cancellation);
        await using (var take = new NpgsqlCommand("INSERT INTO lobby_names VALUES ('DEN', $1)", other, transaction))
        {
            take.Parameters.Add(new NpgsqlParameter { Value = Guid.NewGuid() });
            await take.ExecuteNonQueryAsync(Cancellation);
        }
        var creating = rooms.AppendAsync(rooms.Creation(alice, "den"));
        await LobbyLock.UntilWaitingAsync(rooms.Database.Source, 1);
        await transaction.CommitAsync(Cancellation);

        Assert.Equal(Outcome.NameTaken, (await creating).Outcome);
    }

    [Fact]
    public async Task Lobby_that_another_transaction_has_locked_is_passed_over_and_the_others_go_on()
    {
        await using var rooms = await OpenAsync(postgres);
        var alice = await rooms.AddUserAsync("alice");
        var (stuck, free) = (await rooms.CreateLobbyAsync(alice, "stuck"), await rooms.CreateLobbyAsync(alice, "free"));
        await using (await rooms.LockAsync(stuck))
        {
            var results = await rooms.AppendAsync([Message(stuck, alice, "x"), Message(free, alice, "x")]);
            Assert.Equal([Outcome.Locked, Outcome.Stored], results.Select(result => result.Outcome));
        }
        Assert.Single(await rooms.LogAsync(stuck));
        Assert.Equal(2, (await rooms.LogAsync(free)).Count);
    }

    [Fact]
    public async Task Member_removed_while_a_post_waits_for_the_lobby_cannot_post()
    {
        await using var rooms = await OpenAsync(postgres);
        var (alice, bob) = (await rooms.AddUserAsync("alice"), await rooms.AddUserAsync("bob"));
        var lobby = await rooms.CreateLobbyAsync(alice);
        await rooms.AppendAsync(Invitation(lobby, alice, bob));

        // What a removal on another server does, held before its commit.
        await using var removing = await rooms.LockAsync(lobby);
        var posting = rooms.AppendAsync([Message(lobby, bob, "too late")], patient: true);
        await LobbyLock.UntilWaitingAsync(rooms.Database.Source, 1);
        await using (var remove = new NpgsqlCommand(
            """
            WITH entry AS (
                INSERT INTO entries (lobby_id, seq, kind, author, sent_at, nonce, member)
                VALUES ($1, 3, 4, $2, now(), md5('nonce')::uuid, $3)
            ), advanced AS (
                UPDATE lobbies SET last_seq = 3 WHERE lobby_id = $1
            )
            DELETE FROM members WHERE lobby_id = $1 AND public_token = $3
            """,
            removing.Connection,
            removing))
        {
            foreach (var id in (Guid[])[lobby.LobbyId, alice.PublicToken, bob.PublicToken])
                remove.Parameters.Add(new NpgsqlParameter { Value = id });
            await remove.ExecuteNonQueryAsync(Cancellation);
        }
        await removing.CommitAsync(Cancellation);

        Assert.Equal(Outcome.Forbidden, (await posting)[0].Outcome);
        Assert.Equal([1, 2, 3], (await rooms.LogAsync(lobby)).Select(entry => entry.Seq));
    }

    [Fact]
    public async Task Sent_at_never_decreases_even_when_the_clock_of_the_database_is_behind()
    {
        await using var rooms = await OpenAsync(postgres);
        var alice = await rooms.AddUserAsync("alice");
        var lobby = await rooms.CreateLobbyAsync(alice);
        var ahead = new DateTimeOffset(2999, 1, 1, 0, 0, 0, TimeSpan.Zero);
        await rooms.RunAsync("UPDATE lobbies SET last_sent_at = $1", ahead);

        var results = await rooms.AppendAsync([Message(lobby, alice, "a"), Message(lobby, alice, "b")]);
        Assert.All(results, result => Assert.Equal(ahead, result.SentAt));
        Assert.Equal(ahead, (await rooms.AppendAsync(Message(lobby, alice, "c"))).SentAt);
    }

    [Fact]
    public async Task Large_batch_over_many_lobbies_keeps_the_order_of_each()
    {
        await using var rooms = await OpenAsync(postgres);
        var alice = await rooms.AddUserAsync("alice");
        var creations = Enumerable.Range(0, 20).Select(number => rooms.Creation(alice, $"lobby {number}")).ToArray();
        await rooms.AppendAsync(creations);
        var posts = Enumerable.Range(0, 1000)
            .Select(number => Message(creations[number % 20].Lobby, alice, number.ToString("D4", null))).ToArray();

        var results = await rooms.AppendAsync(posts);

        for (var index = 0; index < posts.Length; index++)
            Assert.Equal((Outcome.Stored, 2L + index / 20), (results[index].Outcome, results[index].Seq));
        var log = await rooms.LogAsync(creations[7].Lobby);
        Assert.Equal(
            Enumerable.Range(0, 50).Select(turn => $"\"{(turn * 20) + 7:D4}\""),
            log.Skip(1).Select(entry => Encoding.UTF8.GetString(entry.RowData.Span)));
    }

    [Fact]
    public async Task Table_holds_no_plaintext()
    {
        const string Secret = "a very secret sentence";
        await using var rooms = await OpenAsync(postgres);
        var alice = await rooms.AddUserAsync("alice");
        var lobby = await rooms.CreateLobbyAsync(alice);
        await rooms.AppendAsync(Message(lobby, alice, Secret));

        var body = (byte[])(await rooms.RunAsync("SELECT body FROM entries WHERE seq = 2"))!;
        Assert.Equal(LobbyKey.EncryptedSize(Secret.Length + 2), body.Length);
        Assert.Equal(-1, body.AsSpan().IndexOf("secret"u8));
        Assert.Equal(
            0L,
            await rooms.RunAsync(
                "SELECT count(*) FROM entries e WHERE position($1 in e::text) > 0 OR position($2 in e::text) > 0",
                Secret,
                Convert.ToHexStringLower(Encoding.UTF8.GetBytes(Secret))));
    }
}
