using System.Text.Json.Nodes;
using Conclave.Protocol;
using Conclave.Tests.Support;
using CsCheck;

namespace Conclave.Tests.Server.Lobbies;

/// <summary>
/// Removals and new invitations that race posts and readers, through real sockets: afterwards the log says exactly what
/// each subscription and each page may have shown, and they showed that.
/// </summary>
public sealed class VisibilityTests(PostgresCluster postgres)
{
    const int RowBytes = 24 << 10;

    static readonly string Row = new('x', RowBytes);

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Member_sees_what_the_log_allows_and_no_more()
    {
        // Tails hold next to nothing, so that whoever is behind reads pages.
        await using var server = await TestServer.StartAsync(
            postgres, TestServer.Unhurried with { TailBytesBudget = 256 << 10, InvitationsPerHour = int.MaxValue / 2 });
        await using var owner = await server.ConnectAsync();
        await using var second = await server.ConnectAsync();
        await owner.SignUpAsync("owner");
        await second.SignInAsync("owner");
        await using var registering = await server.ConnectAsync();
        await registering.SignUpAsync("member");
        var member = (await registering.DoAsync("""{"action":"whoami"}"""))["public_token"]!.GetValue<string>();
        var number = 0;
        await Gen.Select(Gen.Int[0, 9].Array[30, 60], Gen.Int[0, 9].Array[10, 30],
                Gen.Int[0, 9].Array[10, 40], Gen.Int[0, 9].Array[10, 40])
            .SampleAsync(RunAsync, iter: 10, threads: 1);

        async Task RunAsync(int[] writes, int[] others, int[] reads, int[] alsoReads)
        {
            var lobby = $"den {Interlocked.Increment(ref number)}";
            await owner.DoAsync($$"""{"action":"create_lobby","lobby_name":"{{lobby}}"}""");
            await owner.DoAsync(Invitation(lobby, member));
            Watcher[] watchers = [.. await Task.WhenAll(Enumerable.Range(0, 3).Select(
                _ => Watcher.EnterAsync(server, lobby, member)))];
            // Reads nothing while others write and read.
            await watchers[2].SubscribeAsync(after: 0);
            await Task.WhenAll(
                WriteAsync(owner, lobby, member, writes),
                WriteAsync(second, lobby, member, others),
                watchers[0].ReadAsync(reads),
                watchers[1].ReadAsync(alsoReads));
            var log = await LogAsync(owner, lobby);
            foreach (var watcher in watchers)
            {
                await watcher.FinishAsync(log);
                await watcher.DisposeAsync();
            }
        }
    }

    static async Task WriteAsync(WireClient client, string lobby, string member, int[] writes)
    {
        foreach (var write in writes)
        {
            // What is refused, because the other has done it already, is as good.
            await client.AskAsync(write switch
            {
                0 or 1 => $$"""{"action":"remove_member","lobby_name":"{{lobby}}","public_token":"{{member}}"}""",
                2 or 3 or 4 => Invitation(lobby, member),
                _ => $$"""{"action":"message","lobby_name":"{{lobby}}","row_data":"{{Row}}"}""",
            });
        }
    }

    static string Invitation(string lobby, string member) =>
        $$"""{"action":"invite_lobby","lobby_name":"{{lobby}}","public_token":"{{member}}","rights":[]}""";

    static async Task<Log> LogAsync(WireClient owner, string lobby)
    {
        List<(long From, long To)> memberships = [];
        var last = 0L;
        JsonObject page;
        do
        {
            page = await owner.DoAsync(
                $$"""{"action":"history","lobby_name":"{{lobby}}","after":{{last}},"limit":1000,"body_max":0}""");
            foreach (var entry in page["events"]!.AsArray())
            {
                last = entry!["seq"]!.GetValue<long>();
                var kind = entry["event"]!.GetValue<string>();
                if (kind == EventName.MemberInvited)
                    memberships.Add((last, long.MaxValue));
                else if (kind == EventName.MemberRemoved)
                    memberships[^1] = (memberships[^1].From, last);
            }
        }
        while (page["more"]!.GetValue<bool>());
        return new Log(memberships, last);
    }

    /// <param name="Memberships">Of the one member: the entries that began and ended each.</param>
    /// <param name="Last">The last entry.</param>
    sealed record Log(IReadOnlyList<(long From, long To)> Memberships, long Last)
    {
        /// <summary>The last entry that may be shown to somebody who was a member after the entry.</summary>
        public long Until(long seq)
        {
            var (_, to) = Assert.Single(Memberships, membership => membership.From <= seq && seq < membership.To);
            return Math.Min(to, Last);
        }
    }

    /// <summary>A connection of the member, and what it was shown.</summary>
    sealed class Watcher(WireClient client, string lobby, string member) : IAsyncDisposable
    {
        readonly List<Sighting> _sightings = [];
        Sighting? _following;
        int _requests;

        public static async Task<Watcher> EnterAsync(TestServer server, string lobby, string member)
        {
            var client = await server.ConnectAsync();
            await client.SignInAsync("member");
            return new Watcher(client, lobby, member);
        }

        public async Task ReadAsync(int[] reads)
        {
            foreach (var read in reads)
            {
                await (read switch
                {
                    0 => SubscribeAsync(after: 0),
                    1 => SubscribeAsync(after: null),
                    2 => SubscribeAsync(after: _following?.Last ?? 1),
                    3 => AskAsync("history", ""),
                    4 => AskAsync("history", ",\"after\":0"),
                    5 => AskAsync("history", $",\"after\":{_following?.Last ?? 1}"),
                    6 => UnsubscribeAsync(),
                    _ => AskAsync("ping", ""),
                });
            }
        }

        public async Task SubscribeAsync(long? after)
        {
            var reply = await AskAsync("subscribe", after is null ? "" : $",\"after\":{after}");
            if (!reply["ok"]!.GetValue<bool>())
                return;
            var last = reply["last_seq"]!.GetValue<long>();
            _following = new Sighting(last, after ?? last, after ?? last);
            _sightings.Add(_following);
        }

        public async Task FinishAsync(Log log)
        {
            while (_following is { } sighting && sighting.Last < log.Until(sighting.At))
                Take(await FrameAsync());
            // Whatever came after the end would come before this.
            await AskAsync("ping", "");
            Assert.All(_sightings, sighting => Assert.True(
                sighting.Last <= log.Until(sighting.At),
                $"{sighting} was shown more than {log.Until(sighting.At)}"));
        }

        public ValueTask DisposeAsync() => client.DisposeAsync();

        async Task UnsubscribeAsync()
        {
            await AskAsync("unsubscribe", "");
            _following = null;
        }

        async Task<JsonObject> AskAsync(string action, string fields)
        {
            await client.SendAsync(
                $$"""{"id":{{++_requests}},"action":"{{action}}","lobby_name":"{{lobby}}"{{fields}}}""");
            while (true)
            {
                var frame = await FrameAsync();
                if (frame.ContainsKey("event"))
                {
                    Take(frame);
                    continue;
                }
                if (action == "history" && frame["ok"]!.GetValue<bool>())
                    TakePage(frame);
                return frame;
            }
        }

        async Task<JsonObject> FrameAsync() => JsonNode.Parse((await client.FrameAsync())!)!.AsObject();

        void Take(JsonObject entry)
        {
            if (entry["seq"] is not { } place)
                return;
            Assert.NotNull(_following);
            Assert.Equal(_following.Last + 1, place.GetValue<long>());
            _following.Last++;
        }

        void TakePage(JsonObject page)
        {
            var seqs = page["events"]!.AsArray().Select(entry => entry!["seq"]!.GetValue<long>()).ToArray();
            var last = page["last_seq"]!.GetValue<long>();
            Assert.Equal(seqs, Enumerable.Range(0, seqs.Length).Select(index => seqs[0] + index));
            _sightings.Add(new Sighting(last, 0, seqs.Append(0).Max()));
            Assert.InRange(_sightings[^1].Last, 0, last);
        }

        public override string ToString() => member;
    }

    /// <summary>What one subscription or page has shown.</summary>
    sealed class Sighting(long at, long after, long last)
    {
        /// <summary>The end of the log when it was found that the reader is a member.</summary>
        public long At => at;

        public long Last { get; set; } = last;

        public override string ToString() => $"{after} to {Last}, allowed at {at},";
    }
}
