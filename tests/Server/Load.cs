using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text.Json.Nodes;
using Conclave.Tests.Support;

namespace Conclave.Tests.Server;

/// <summary>
/// Clients that post to one lobby as fast as they are answered, and remember what they were told: what was
/// acknowledged, where, and what they cannot know.
/// </summary>
sealed class Load(string token)
{
    readonly ConcurrentDictionary<Guid, long> _acknowledged = new();
    readonly ConcurrentDictionary<Guid, string> _doubtful = new();
    readonly Lock _gate = new();
    TaskCompletionSource? _reached;
    int _count;
    int _goal;
    volatile bool _isOver;

    /// <summary>The seq that each acknowledged nonce was told.</summary>
    public IReadOnlyDictionary<Guid, long> Acknowledged => _acknowledged;

    /// <summary>Nonces without an <c>ok</c>, each with the error's code, or <c>lost</c> with the connection.</summary>
    public IReadOnlyDictionary<Guid, string> Doubtful => _doubtful;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Makes the user and the lobby.</summary>
    public static async Task<Load> PrepareAsync(Uri server)
    {
        await using var client = await WireClient.ConnectAsync(server);
        var token = await client.SignUpAsync("alice");
        await client.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
        return new Load(token);
    }

    /// <summary>Posts on so many connections until they break, or until told to stop.</summary>
    /// <returns>How many connections broke.</returns>
    public async Task<int> RunAsync(Uri server, int connections)
    {
        var ended = await Task.WhenAll(
            Enumerable.Range(0, connections).Select(_ => Task.Run(() => PostAsync(server), Cancellation)));
        return ended.Count(isWhole => !isWhole);
    }

    /// <summary>Reads the newest entry again and again until told to stop; what became of each try.</summary>
    public async Task<IReadOnlyCollection<string>> ReadAsync(Uri server)
    {
        HashSet<string> outcomes = [];
        await using var client = await WireClient.ConnectAsync(server);
        while (!_isOver)
        {
            var reply = await client.AskAsync(
                $$"""{"action":"history","token":"{{token}}","lobby_name":"den","limit":1}""");
            outcomes.Add(Outcomes.Of(reply));
            if (Outcomes.Of(reply) == "busy")
                Assert.NotNull(reply["error"]!["retry_after_ms"]);
        }
        return outcomes;
    }

    public void Stop() => _isOver = true;

    /// <summary>Waits for so many further acknowledgements.</summary>
    public Task WaitAsync(int count)
    {
        lock (_gate)
        {
            _goal = _count + count;
            _reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _reached.Task.WaitAsync(TimeSpan.FromSeconds(60), Cancellation);
        }
    }

    /// <summary>Everything acknowledged is there once, in its place; what was not, is after another try.</summary>
    public async Task CheckAsync(Uri server)
    {
        await using var client = await WireClient.ConnectAsync(server);
        var stored = await HistoryAsync(client);
        foreach (var (nonce, seq) in _acknowledged)
            Assert.Equal(nonce, stored[(int)seq - 1]);
        foreach (var (nonce, _) in _doubtful)
        {
            var place = stored.IndexOf(nonce) + 1;
            var reply = await DoAsync(client, Post(nonce));
            Assert.Equal(place > 0, reply["duplicate"]?.GetValue<bool>() ?? false);
            if (place > 0)
                Assert.Equal(place, reply["seq"]!.GetValue<long>());
        }
        stored = await HistoryAsync(client);
        var posted = stored.Skip(1).ToArray();
        Assert.Equal(posted.Length, posted.Distinct().Count());
        Assert.Equal(_acknowledged.Keys.Concat(_doubtful.Keys).Order(), posted.Order());
    }

    // The nonces of all entries; those of entries that are no messages are empty.
    async Task<List<Guid>> HistoryAsync(WireClient client)
    {
        List<Guid> nonces = [];
        while (true)
        {
            var page = await DoAsync(
                client,
                $$"""{"action":"history","token":"{{token}}","lobby_name":"den","after":{{nonces.Count}}}""");
            foreach (var entry in page["events"]!.AsArray())
            {
                nonces.Add(entry!["nonce"]?.GetValue<Guid>() ?? Guid.Empty);
                Assert.Equal(nonces.Count, entry["seq"]!.GetValue<long>());
            }
            if (!page["more"]!.GetValue<bool>())
                return nonces;
        }
    }

    // A connection of the server's to its database may be found broken only when it is used.
    static async Task<JsonObject> DoAsync(WireClient client, string request)
    {
        for (var attempt = 0; ; attempt++)
        {
            var reply = await client.AskAsync(request);
            if (reply["ok"]!.GetValue<bool>())
                return reply;
            Assert.Equal("busy", reply["error"]!["code"]!.GetValue<string>());
            Assert.True(attempt < 20, "the server stays busy");
        }
    }

    // False if the connection broke.
    async Task<bool> PostAsync(Uri server)
    {
        var nonce = Guid.Empty;
        try
        {
            await using var client = await WireClient.ConnectAsync(server);
            while (!_isOver)
            {
                nonce = Guid.NewGuid();
                Note(nonce, await client.AskAsync(Post(nonce)));
            }
            return true;
        }
        catch (Exception end) when (end is WebSocketException or EndOfStreamException or IOException)
        {
            if (!_acknowledged.ContainsKey(nonce))
                _doubtful[nonce] = "lost";
            return false;
        }
    }

    void Note(Guid nonce, JsonObject reply)
    {
        if (!reply["ok"]!.GetValue<bool>())
        {
            _doubtful[nonce] = reply["error"]!["code"]!.GetValue<string>();
            return;
        }
        _acknowledged[nonce] = reply["seq"]!.GetValue<long>();
        lock (_gate)
        {
            if (++_count == _goal)
                _reached?.SetResult();
        }
    }

    string Post(Guid nonce) =>
        $$"""{"action":"message","token":"{{token}}","lobby_name":"den","row_data":"{{nonce}}","nonce":"{{nonce}}"}""";
}
