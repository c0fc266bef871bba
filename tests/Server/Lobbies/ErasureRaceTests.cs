using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Conclave.Protocol;
using Conclave.Tests.Support;
using CsCheck;

namespace Conclave.Tests.Server.Lobbies;

/// <summary>Erasures that race readers of every kind, through real sockets.</summary>
public sealed class ErasureRaceTests(PostgresCluster postgres)
{
    const int CountMax = 120;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(4 << 10)]
    [InlineData(64 << 20)]
    public async Task Nobody_who_asks_after_the_acknowledgement_of_an_erasure_gets_the_content(int tailBytes)
    {
        await using var server = await TestServer.StartAsync(
            postgres, TestServer.Unhurried with { TailBytesBudget = tailBytes });
        await using var author = await server.ConnectAsync();
        await using var eraser = await server.ConnectAsync();
        await author.SignUpAsync("author");
        await eraser.SignInAsync("author");
        var number = 0;
        await Gen.Select(Gen.Int[20, CountMax], Gen.Int[0, CountMax - 1].Array[10, 60], Gen.Int[0, 9].Array[20, 60])
            .SampleAsync(RunAsync, iter: 10, threads: 1);

        async Task RunAsync(int count, int[] erased, int[] reads)
        {
            var lobby = $"den {Interlocked.Increment(ref number)}";
            await author.DoAsync($$"""{"action":"create_lobby","lobby_name":"{{lobby}}"}""");
            var acknowledged = new ConcurrentDictionary<long, bool>();
            Reader[] readers = [.. await Task.WhenAll(Enumerable.Range(0, 3).Select(
                _ => Reader.EnterAsync(server, lobby, acknowledged)))];
            await Task.WhenAll(
                PostAsync(author, lobby, count),
                EraseAsync(eraser, lobby, [.. erased.Select(index => 2L + index % count)], acknowledged),
                readers[0].ReadAsync(reads),
                readers[1].ReadAsync([.. reads.Reverse()]),
                readers[2].ReadAsync([0, .. Enumerable.Repeat(9, 30)]));
            foreach (var reader in readers)
            {
                await reader.ReadAsync([3, 4, 0]);
                await reader.DisposeAsync();
            }
        }
    }

    static async Task PostAsync(WireClient client, string lobby, int count)
    {
        var row = new string('x', 2000);
        for (var posted = 0; posted < count; posted++)
            await client.DoAsync($$"""{"action":"message","lobby_name":"{{lobby}}","row_data":"{{row}}"}""");
    }

    static async Task EraseAsync(
        WireClient client, string lobby, long[] seqs, ConcurrentDictionary<long, bool> acknowledged)
    {
        foreach (var seq in seqs)
        {
            // It may be deleted as soon as it is there, before those who follow live have got it.
            var request = $$"""{"action":"delete_message","lobby_name":"{{lobby}}","seq":{{seq}}}""";
            while (Outcomes.Of(await client.AskAsync(request)) is var outcome && outcome != "ok")
                Assert.Equal(ErrorCode.NoSuchMessage, outcome);
            acknowledged[seq] = true;
        }
    }

    /// <summary>A connection that reads, and knows what must be gone in whatever it asked for.</summary>
    sealed class Reader(WireClient client, string lobby, ConcurrentDictionary<long, bool> acknowledged)
        : IAsyncDisposable
    {
        // Erased before the subscription was asked for, or said to be since.
        HashSet<long> _gone = [];

        public static async Task<Reader> EnterAsync(
            TestServer server, string lobby, ConcurrentDictionary<long, bool> acknowledged)
        {
            var client = await server.ConnectAsync();
            await client.SignInAsync("author");
            return new Reader(client, lobby, acknowledged);
        }

        public async Task ReadAsync(int[] reads)
        {
            foreach (var read in reads)
            {
                HashSet<long> gone = [.. acknowledged.Keys];
                switch (read)
                {
                    case 0 or 1 or 2:
                        await AskAsync("subscribe", read == 2 ? "" : $",\"after\":{read}");
                        _gone = gone;
                        break;
                    case 3 or 4 or 5:
                        var page = await AskAsync("history", read == 3 ? "" : $",\"after\":{(read - 4) * 20}");
                        foreach (var entry in page["events"]?.AsArray() ?? [])
                            Check(entry!.AsObject(), gone);
                        break;
                    default:
                        await AskAsync("ping", "");
                        break;
                }
            }
        }

        public ValueTask DisposeAsync() => client.DisposeAsync();

        async Task<JsonObject> AskAsync(string action, string fields)
        {
            await client.SendAsync($$"""{"action":"{{action}}","lobby_name":"{{lobby}}"{{fields}}}""");
            while (JsonNode.Parse((await client.FrameAsync())!)!.AsObject() is var frame)
            {
                if (frame.ContainsKey("action"))
                    return frame;
                if (frame["deleted_seq"] is { } deleted)
                    _gone.Add(deleted.GetValue<long>());
                else
                    Check(frame, _gone);
            }
            return [];
        }

        static void Check(JsonObject entry, HashSet<long> gone)
        {
            if (entry["event"]!.GetValue<string>() != EventName.Message)
                return;
            var isGone = entry["gone"]?.GetValue<bool>() is true;
            Assert.Equal(isGone, entry["row_data"] is null);
            Assert.True(isGone || !gone.Contains(entry["seq"]!.GetValue<long>()), entry["seq"] + " is back");
        }
    }
}
