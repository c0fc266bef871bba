using System.Text.Json.Nodes;
using Conclave.Protocol;
using Conclave.Tests.Support;

namespace Conclave.Tests.Server.Actions;

/// <summary>Following a log over the wire: where it starts, what comes first, and how it ends.</summary>
public sealed class SubscribeTests(SharedServer server, PostgresCluster postgres) : IClassFixture<SharedServer>
{
    [Fact]
    public async Task Requests_need_no_waiting_and_no_ids_and_are_answered_in_order()
    {
        await using var client = await server.ConnectAsync();
        var (login, lobby) = (server.Fresh("swift"), server.Fresh("swift"));
        string[] requests =
        [
            $$"""{"action":"register","login":"{{login}}","password":"password"}""",
            $$"""{"action":"auth","login":"{{login}}","password":"password"}""",
            $$"""{"action":"create_lobby","lobby_name":"{{lobby}}"}""",
            $$"""{"action":"message","lobby_name":"{{lobby}}","row_data":0}""",
            $$"""{"action":"subscribe","lobby_name":"{{lobby}}","after":0}""",
            .. Enumerable.Range(1, 200).Select(
                number => $$"""{"action":"message","lobby_name":"{{lobby}}","row_data":{{number}}}"""),
            """{"action":"message","lobby_name":"nowhere","row_data":0}""",
            $$"""{"action":"history","lobby_name":"{{lobby}}","limit":1}""",
            """{"action":"logout"}""",
            """{"action":"whoami"}""",
        ];
        foreach (var request in requests)
            await client.SendAsync(request);
        List<string> outcomes = [];
        List<int> posted = [], seen = [];
        var isSubscribed = false;
        while (outcomes.Count < requests.Length)
        {
            var frame = JsonNode.Parse((await client.FrameAsync())!)!.AsObject();
            if (frame["event"]?.GetValue<string>() == "session_ended")
                continue;
            if (frame["event"] is not null)
            {
                Assert.True(isSubscribed, "an event came before the reply that announces it");
                seen.Add(frame["seq"]!.GetValue<int>());
                continue;
            }
            outcomes.Add($"{frame["action"]} {Outcomes.Of(frame)}");
            isSubscribed |= frame["action"]!.GetValue<string>() == "subscribe";
            if (outcomes[^1] == "message ok")
                posted.Add(frame["seq"]!.GetValue<int>());
            if (outcomes[^1] == "history ok")
                Assert.Equal(202, frame["last_seq"]!.GetValue<int>());
        }
        Assert.Equal(
            [
                "register ok", "auth ok", "create_lobby ok", "message ok", "subscribe ok",
                .. Enumerable.Repeat("message ok", 200), "message no_such_lobby", "history ok", "logout ok",
                "whoami bad_token",
            ],
            outcomes);
        Assert.Equal(Enumerable.Range(2, 201), posted);
        // What was not on its way when the session ended, is not sent any more.
        Assert.Equal(Enumerable.Range(1, seen.Count), seen);
    }

    [Fact]
    public async Task Subscription_starts_after_its_position_or_after_the_last_entry_and_a_second_one_moves_it()
    {
        await using var guest = await server.SignUpAsync();
        var lobby = await server.CreateLobbyAsync(guest);
        for (var number = 2; number <= 5; number++)
            await PostAsync();
        var subscribed = await SubscribeAsync(",\"after\":2");
        Assert.Equal(5, subscribed["last_seq"]!.GetValue<int>());
        Assert.Equal("""["read","write","invite","admin"]""", subscribed["rights"]!.ToJsonString());
        Assert.Equal(lobby, subscribed["lobby_name"]!.GetValue<string>());
        Assert.Equal([3, 4, 5], await SeqsAsync(3));
        await SubscribeAsync("");
        await PostAsync();
        Assert.Equal([6], await SeqsAsync(1));
        await SubscribeAsync(",\"after\":0");
        Assert.Equal([1, 2, 3, 4, 5, 6], await SeqsAsync(6));
        var epoch = subscribed["epoch"]!.GetValue<string>();
        await SubscribeAsync($",\"after\":6,\"epoch\":\"{epoch}\"");
        await PostAsync();
        Assert.Equal([7], await SeqsAsync(1));

        await guest.Client.DoAsync($$"""{"action":"unsubscribe","lobby_name":"{{lobby}}"}""");
        await guest.Client.DoAsync($$"""{"action":"unsubscribe","lobby_name":"{{lobby}}"}""");
        await PostAsync();
        await SubscribeAsync("");
        await PostAsync();
        Assert.Equal([9], await SeqsAsync(1));

        // A position of another database is refused, and what was subscribed stays.
        await Outcomes.HoldAsync(guest.Client,
        [
            ($$"""{"action":"subscribe","lobby_name":"{{lobby}}","after":1,"epoch":"x"}""", "log_changed epoch"),
            ($$"""{"action":"subscribe","lobby_name":"{{lobby}}","after":99,"epoch":"x"}""", "log_changed epoch"),
            ($$"""{"action":"subscribe","lobby_name":"{{lobby}}","after":99}""", "bad_request after"),
        ]);
        await PostAsync();
        Assert.Equal([10], await SeqsAsync(1));
        await SubscribeAsync(",\"epoch\":\"x\"");

        Task PostAsync() =>
            guest.Client.DoAsync($$"""{"action":"message","lobby_name":"{{lobby}}","row_data":1}""");
        Task<JsonObject> SubscribeAsync(string fields) =>
            guest.Client.DoAsync($$"""{"action":"subscribe","lobby_name":"{{lobby}}"{{fields}}}""");
        async Task<List<int>> SeqsAsync(int count)
        {
            List<int> seqs = [];
            while (seqs.Count < count)
                seqs.Add((await guest.Client.EventAsync())["seq"]!.GetValue<int>());
            return seqs;
        }
    }

    [Fact]
    public async Task Entries_say_what_happened_and_who_did_it()
    {
        await using var owner = await server.SignUpAsync();
        await using var other = await server.SignUpAsync();
        var lobby = await server.CreateLobbyAsync(owner);
        await owner.InviteAsync(lobby, other);
        var posted = await other.Client.DoAsync($$"""{"action":"message","lobby_name":"{{lobby}}","row_data":[1]}""");
        var subscribed = await other.Client.DoAsync($$"""{"action":"subscribe","lobby_name":"{{lobby}}","after":0}""");
        string Person(Guest guest) => $$"""{"login":"{{guest.Login}}","public_token":"{{guest.PublicToken}}"}""";
        var invitation = await other.Client.EventAsync();
        Assert.Equal("invited", invitation["event"]!.GetValue<string>());
        (string Event, Guest From, string More)[] log =
        [
            ("lobby_created", owner, "\"sealed\":false"),
            ("member_invited", owner, $"\"member\":{Person(other)},\"rights\":[\"read\",\"write\"]"),
            ("message", other, "\"row_data\":[1],\"nonce\":"),
        ];
        for (var seq = 1; seq <= log.Length; seq++)
        {
            var entry = await other.Client.EventAsync();
            Assert.Equal(log[seq - 1].Event, entry["event"]!.GetValue<string>());
            Assert.Equal(seq, entry["seq"]!.GetValue<int>());
            Assert.Equal(subscribed["lobby_id"]!.GetValue<string>(), entry["lobby_id"]!.GetValue<string>());
            Assert.Equal(lobby, entry["lobby_name"]!.GetValue<string>());
            Assert.Equal(Person(log[seq - 1].From), entry["from"]!.ToJsonString());
            Assert.Contains(log[seq - 1].More, entry.ToJsonString(), StringComparison.Ordinal);
            if (seq == 3)
                Assert.Equal(posted["sent_at"]!.GetValue<string>(), entry["sent_at"]!.GetValue<string>());
        }
    }

    [Fact]
    public async Task Connection_follows_at_most_so_many_lobbies_and_may_move_within_them()
    {
        await using var small = await TestServer.StartAsync(postgres, new Limits { SubscriptionsMax = 2 });
        await using var client = await small.ConnectAsync();
        await client.SignUpAsync("alice");
        string[] lobbies = ["a", "b", "c"];
        foreach (var lobby in lobbies)
            await client.DoAsync($$"""{"action":"create_lobby","lobby_name":"{{lobby}}"}""");
        await Outcomes.HoldAsync(client,
        [
            ("""{"action":"subscribe","lobby_name":"a"}""", "ok"),
            ("""{"action":"subscribe","lobby_name":"b"}""", "ok"),
            ("""{"action":"subscribe","lobby_name":"c"}""", "limit"),
            ("""{"action":"subscribe","lobby_name":"b"}""", "ok"),
            ("""{"action":"unsubscribe","lobby_name":"a"}""", "ok"),
            ("""{"action":"subscribe","lobby_name":"c"}""", "ok"),
        ]);
    }
}
