using System.Text.Json.Nodes;
using Conclave.Protocol;
using Conclave.Tests.Support;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace Conclave.Tests.Server.Actions;

/// <summary>Messages that are deleted or expire, through a real socket.</summary>
public sealed class ErasureTests(PostgresCluster postgres, SharedServer server) : IClassFixture<SharedServer>
{
    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Own_messages_are_erased_by_any_member_and_those_of_others_by_admins()
    {
        await using var owner = await server.SignUpAsync();
        await using var member = await server.SignUpAsync();
        await using var reader = await server.SignUpAsync();
        await using var stranger = await server.SignUpAsync();
        var lobby = await server.CreateLobbyAsync(owner);
        await owner.InviteAsync(lobby, member);
        await owner.InviteAsync(lobby, reader, """["read"]""");
        foreach (var by in (Guest[])[owner, member, member])
            await by.Client.DoAsync(Post(lobby, "\"words\""));
        string Delete(string fields) => $$"""{"action":"delete_message","lobby_name":"{{lobby}}"{{fields}}}""";
        string Of(long seq) => Delete($",\"seq\":{seq}");
        await Outcomes.HoldAsync(owner.Client,
        [
            ("""{"action":"delete_message","seq":4}""", "bad_request lobby_name"),
            (Delete(""), "bad_request seq"),
            (Of(0), "bad_request seq"),
            (Of(-1), "bad_request seq"),
            (Of((1L << 53) - 1), "no_such_message"),
            (Of(1L << 53), "bad_request seq"),
            (Delete(",\"seq\":1.5"), "bad_request seq"),
            (Delete(",\"seq\":\"4\""), "bad_request seq"),
            (Delete(",\"seq\":null"), "bad_request seq"),
            (Delete(",\"seq\":4,\"token\":\"x\""), "bad_token"),
            ("""{"action":"delete_message","lobby_name":"nowhere","seq":4}""", "no_such_lobby"),
        ]);
        await Outcomes.HoldAsync(stranger.Client, [(Of(4), "forbidden"), (Of(1), "forbidden"), (Of(99), "forbidden")]);
        await Outcomes.HoldAsync(reader.Client, [(Of(4), "forbidden"), (Of(99), "no_such_message")]);
        await Outcomes.HoldAsync(member.Client,
        [
            (Of(4), "forbidden"),
            (Of(1), "no_such_message"),
            (Of(2), "no_such_message"),
            (Of(8), "no_such_message"),
            (Of(5), "ok"),
            (Of(5), "ok"),
        ]);
        await Outcomes.HoldAsync(
            owner.Client, [(Of(5), "ok"), (Of(6), "ok"), (Of(4), "ok"), (Of(2), "no_such_message")]);
        var events = (await reader.Client.DoAsync($$"""{"action":"history","lobby_name":"{{lobby}}"}"""))["events"]!;
        Assert.Equal(
            ["1 lobby_created", "2 member_invited", "3 member_invited", "4 message", "5 message", "6 message"],
            events.AsArray().Select(entry => $"{entry!["seq"]} {entry["event"]}"));
        Assert.All(events.AsArray().Skip(3), IsGone);
    }

    [Fact]
    public async Task Erasure_is_told_to_those_who_have_seen_the_message_and_shows_to_all_others()
    {
        await using var owner = await server.SignUpAsync();
        await using var live = await server.ConnectAsync();
        await using var late = await server.ConnectAsync();
        await live.SignInAsync(owner.Login);
        await late.SignInAsync(owner.Login);
        var lobby = await server.CreateLobbyAsync(owner);
        var nonce = Guid.NewGuid();
        await live.DoAsync($$"""{"action":"subscribe","lobby_name":"{{lobby}}"}""");
        await owner.Client.DoAsync(Post(lobby, "\"secret\"", $",\"nonce\":\"{nonce}\""));
        Assert.Equal("secret", (await live.EntryAsync())["row_data"]!.GetValue<string>());
        await owner.Client.DoAsync(Deletion(lobby, 2));
        var hint = await live.EventAsync();
        Assert.Equal("message_deleted", hint["event"]!.GetValue<string>());
        Assert.Equal(2, hint["deleted_seq"]!.GetValue<int>());
        Assert.Equal("deleted", hint["reason"]!.GetValue<string>());
        Assert.Equal(["deleted_seq", "event", "lobby_id", "reason"], hint.Select(field => field.Key).Order());

        await late.DoAsync($$"""{"action":"subscribe","lobby_name":"{{lobby}}","after":1}""");
        var gone = await late.EventAsync();
        IsGone(gone);
        Assert.Equal(nonce, gone["nonce"]!.GetValue<Guid>());
        Assert.False(gone.ContainsKey("expires_at"));
        // Done already, so that nobody is told again: the next thing here is the next message.
        await owner.Client.DoAsync(Deletion(lobby, 2));
        await owner.Client.DoAsync(Post(lobby, "3"));
        Assert.Equal(3, (await live.EventAsync())["seq"]!.GetValue<int>());
        Assert.Equal(3, (await late.EventAsync())["seq"]!.GetValue<int>());
        // The nonce goes on standing for what is no longer there to compare.
        foreach (var row in (string[])["\"secret\"", "\"other words\""])
        {
            var again = await owner.Client.DoAsync(Post(lobby, row, $",\"nonce\":\"{nonce}\""));
            Assert.Equal("2 true", $"{again["seq"]} {again["duplicate"]}");
        }
        Assert.Equal(ErrorCode.NonceReused, await owner.Client.RefusedAsync(
            $$"""{"action":"rename_lobby","lobby_id":"{{hint["lobby_id"]}}","lobby_name":"x","nonce":"{{nonce}}"}"""));
    }

    [Fact]
    public async Task Time_to_expire_is_checked_at_its_edges_and_told()
    {
        await using var owner = await server.SignUpAsync();
        var lobby = await server.CreateLobbyAsync(owner);
        await owner.Client.DoAsync($$"""{"action":"subscribe","lobby_name":"{{lobby}}"}""");
        string In(string time) => Post(lobby, "1", $",\"expires_in\":{time}");
        await Outcomes.HoldAsync(owner.Client,
        [
            (In("0"), "bad_request expires_in"),
            (In("-1"), "bad_request expires_in"),
            (In("1.5"), "bad_request expires_in"),
            (In("\"60\""), "bad_request expires_in"),
            (In("null"), "bad_request expires_in"),
            (In("315360001"), "bad_request expires_in"),
            (In("315360000"), "ok"),
            (In("3600"), "ok"),
        ]);
        foreach (var seconds in (int[])[315_360_000, 3600])
        {
            var entry = await owner.Client.EntryAsync();
            Assert.Equal(
                entry["sent_at"]!.GetValue<DateTimeOffset>().AddSeconds(seconds),
                entry["expires_at"]!.GetValue<DateTimeOffset>());
        }
        var nonce = Guid.NewGuid();
        string Once(string fields) => Post(lobby, "1", $",\"nonce\":\"{nonce}\"{fields}");
        await Outcomes.HoldAsync(owner.Client,
        [
            (Once(",\"expires_in\":60"), "ok"),
            (Once(",\"expires_in\":60"), "ok"),
            (Once(",\"expires_in\":61"), "nonce_reused"),
            (Once(""), "nonce_reused"),
        ]);
    }

    [Fact]
    public async Task Expired_message_is_gone_on_every_path_before_anything_has_swept_it()
    {
        // Nothing is swept while the server's clock stands still; the database's goes on.
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var still = await TestServer.StartAsync(postgres, time: time);
        await using var database = NpgsqlDataSource.Create(still.Database);
        await using var alice = await still.ConnectAsync();
        await using var live = await still.ConnectAsync();
        await alice.SignUpAsync("alice");
        await live.SignInAsync("alice");
        await alice.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
        await live.DoAsync("""{"action":"subscribe","lobby_name":"den"}""");
        var nonce = Guid.NewGuid();
        var post = Post("den", "\"brief\"", $",\"expires_in\":1,\"nonce\":\"{nonce}\"");
        var large = Post("den", $"\"{new string('x', 5000)}\"", ",\"expires_in\":1");
        await alice.DoAsync(Post("den", "1"));
        await alice.DoAsync(post);
        await alice.DoAsync(large);
        Assert.Equal([2, 3, 4], await SeqsAsync(live, 3));
        await RunAsync(database, "SELECT pg_sleep_until(max(expires_at)) FROM entries");

        // From the tail, from a page, backward and forward, with bodies and without.
        await live.DoAsync("""{"action":"subscribe","lobby_name":"den","after":2}""");
        IsGone(await live.EventAsync());
        IsGone(await live.EventAsync());
        await alice.DoAsync("""{"action":"subscribe","lobby_name":"den","after":0}""");
        Assert.Equal(2, (await SeqsAsync(alice, 2)).Count);
        IsGone(await alice.EventAsync());
        IsGone(await alice.EventAsync());
        foreach (var range in (string[])["", ",\"after\":2", ",\"before\":5", ",\"body_max\":0", ",\"body_max\":100"])
        {
            var page = await live.DoAsync($$"""{"action":"history","lobby_name":"den"{{range}}}""");
            Assert.All(page["events"]!.AsArray().TakeLast(2), IsGone);
        }
        var again = await alice.DoAsync(post);
        Assert.Equal("3 true", $"{again["seq"]} {again["duplicate"]}");
        Assert.Equal(2L, await RunAsync(database, "SELECT count(*) FROM entries WHERE seq > 2 AND body IS NOT NULL"));

        var before = (long)(await RunAsync(database, "SELECT bytes FROM lobbies"))!;
        time.Advance(TimeSpan.FromSeconds(1));
        var hints = new[] { await live.EventAsync(), await live.EventAsync() };
        Assert.Equal(
            ["message_deleted 3 expired", "message_deleted 4 expired"],
            hints.Select(hint => $"{hint["event"]} {hint["deleted_seq"]} {hint["reason"]}"));
        Assert.Equal(0L, await RunAsync(database, "SELECT count(*) FROM entries WHERE seq > 2 AND body IS NOT NULL"));
        // 7 and 5,002 bytes of JSON, and 41 of encryption each.
        Assert.Equal(before - 7 - 5002 - 82, await RunAsync(database, "SELECT bytes FROM lobbies"));
        Assert.Equal(1L, await RunAsync(database, "SELECT erasures FROM lobbies"));
    }

    [Fact]
    public async Task Expired_messages_go_though_a_thousand_before_them_are_held_up()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var still = await TestServer.StartAsync(postgres, time: time);
        await using var database = NpgsqlDataSource.Create(still.Database);
        await using var alice = await still.ConnectAsync();
        await alice.SignUpAsync("alice");
        await alice.DoAsync("""{"action":"create_lobby","lobby_name":"busy"}""");
        await alice.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
        await RunAsync(
            database,
            """
            INSERT INTO entries (lobby_id, seq, kind, author, sent_at, nonce, body, expires_at)
            SELECT lobby_id, 1 + i, 6, created_by, created_at, md5(i::text)::uuid, '', now() - interval '1 hour'
            FROM lobbies, generate_series(1, 1000) i WHERE name = 'busy'
            """);
        await alice.DoAsync("""{"action":"subscribe","lobby_name":"den"}""");
        await alice.DoAsync(Post("den", "\"brief\"", ",\"expires_in\":1"));
        Assert.Equal([2], await SeqsAsync(alice, 1));
        await using var held = await LobbyLock.TakeAsync(still.Database, "busy");
        await RunAsync(database, "SELECT pg_sleep_until(max(expires_at)) FROM entries");

        time.Advance(TimeSpan.FromSeconds(1));
        var hint = await alice.EventAsync();
        Assert.Equal("message_deleted 2", $"{hint["event"]} {hint["deleted_seq"]}");
    }

    [Fact]
    public async Task Message_whose_erasure_was_committed_and_not_answered_is_handed_out_no_more()
    {
        await using var other = await TestServer.StartAsync(postgres);
        await using var database = NpgsqlDataSource.Create(other.Database);
        await using var alice = await other.ConnectAsync();
        await using var late = await other.ConnectAsync();
        await alice.SignUpAsync("alice");
        await late.SignInAsync("alice");
        await alice.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
        await alice.DoAsync("""{"action":"subscribe","lobby_name":"den"}""");
        await alice.DoAsync(Post("den", "\"secret\""));
        Assert.Equal([2], await SeqsAsync(alice, 1));
        // What a commit does whose answer got lost.
        await RunAsync(database, "UPDATE entries SET body = NULL WHERE seq = 2");

        await alice.DoAsync(Deletion("den", 2));
        await late.DoAsync("""{"action":"subscribe","lobby_name":"den","after":1}""");
        IsGone(await late.EventAsync());
    }

    [Fact]
    public async Task What_was_erased_makes_room_in_the_lobby()
    {
        await using var tight = await TestServer.StartAsync(postgres, new Limits { LobbyBytesMax = 2000 });
        await using var alice = await tight.ConnectAsync();
        await alice.SignUpAsync("alice");
        await alice.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
        var post = Post("den", $"\"{new string('x', 1500)}\"");
        await Outcomes.HoldAsync(alice,
        [
            (post, "ok"),
            (post, "limit"),
            (Deletion("den", 2), "ok"),
            (Deletion("den", 2), "ok"),
            (post, "ok"),
            (post, "limit"),
        ]);
    }

    static string Post(string lobby, string row, string fields = "") =>
        $$"""{"action":"message","lobby_name":"{{lobby}}","row_data":{{row}}{{fields}}}""";

    static string Deletion(string lobby, long seq) =>
        $$"""{"action":"delete_message","lobby_name":"{{lobby}}","seq":{{seq}}}""";

    static void IsGone(JsonNode? entry)
    {
        var message = entry!.AsObject();
        Assert.Equal("message", message["event"]!.GetValue<string>());
        Assert.True(message.TryGetPropertyValue("row_data", out var row) && row is null, message.ToJsonString());
        Assert.True(message["gone"]!.GetValue<bool>());
    }

    static async Task<List<int>> SeqsAsync(WireClient client, int count)
    {
        List<int> seqs = [];
        while (seqs.Count < count)
            seqs.Add((await client.EntryAsync())["seq"]!.GetValue<int>());
        return seqs;
    }

    static async Task<object?> RunAsync(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        return await command.ExecuteScalarAsync(Cancellation);
    }
}
