using System.Text.Json;
using System.Threading.Channels;
using Conclave.Protocol;

namespace Conclave.Tests.Sdk;

/// <summary>
/// A plainly right server with one lobby in memory, for a <see cref="ScriptedServer"/>. It drops connection number n
/// after <paramref name="framesUntilDrop"/>[n] frames in either direction, and those beyond the list never.
/// </summary>
sealed class LobbyModel(int[] framesUntilDrop)
{
    public const string Token = "4f0b8f0e-7a55-4a3c-9a52-0a3a5f1f3f10";
    public const string LobbyId = "0198a000-0000-7000-8000-000000000001";
    public const string Me = "0198a000-0000-7000-8000-0000000000aa";

    /// <summary>The fields of a reply.</summary>
    public const string Whoami =
        $"""
        "login":"me","public_token":"{Me}","registered_at":"2026-01-01T00:00:00.000Z"
        """;

    readonly Lock _gate = new();
    readonly List<(string Nonce, string Content)> _log = [];
    readonly List<string> _actions = [];
    readonly List<Peer> _peers = [];

    /// <summary>What was stored, in order.</summary>
    public IReadOnlyList<string> Log
    {
        get
        {
            lock (_gate)
            {
                return [.. _log.Select(entry => entry.Content)];
            }
        }
    }

    /// <summary>The actions of all requests, in the order they came.</summary>
    public IReadOnlyList<string> Actions
    {
        get
        {
            lock (_gate)
            {
                return [.. _actions];
            }
        }
    }

    public void Append(string content)
    {
        lock (_gate)
        {
            AppendCore(Guid.NewGuid().ToString(), content);
        }
    }

    /// <summary>The script of one connection.</summary>
    public async Task ServeAsync(Talk talk)
    {
        var budget = talk.Number <= framesUntilDrop.Length ? framesUntilDrop[talk.Number - 1] : int.MaxValue;
        var peer = new Peer(talk, budget);
        lock (_gate)
        {
            _peers.Add(peer);
        }
        using var dropped = CancellationTokenSource.CreateLinkedTokenSource(talk.Gone);
        var writing = peer.WriteAsync(dropped);
        try
        {
            while (peer.Spend())
            {
                var reading = talk.ReadAsync();
                if (await Task.WhenAny(reading, writing) == writing)
                {
                    // Aborting the socket, which the caller does, ends the read.
                    return;
                }
                Answer(peer, await reading);
            }
        }
        finally
        {
            lock (_gate)
            {
                _peers.Remove(peer);
            }
            await dropped.CancelAsync();
        }
    }

    void Answer(Peer peer, JsonElement request)
    {
        lock (_gate)
        {
            _actions.Add(request.Action);
            switch (request.Action)
            {
                case ActionName.Whoami:
                    peer.Send(Talk.Reply(request, Whoami));
                    break;
                case ActionName.Message:
                    Store(peer, request);
                    break;
                case ActionName.Subscribe:
                    var after = request.Number("after") ?? _log.Count;
                    peer.Send(Talk.Reply(request,
                        $"""
                        "lobby_id":"{LobbyId}","lobby_name":"keys","rights":["read","write"],
                        "last_seq":{_log.Count},"epoch":"e"
                        """));
                    peer.IsSubscribed = true;
                    for (var seq = after + 1; seq <= _log.Count; seq++)
                    {
                        peer.Send(Event(seq, _log[(int)seq - 1]));
                    }
                    break;
                case ActionName.Unsubscribe:
                    peer.IsSubscribed = false;
                    peer.Send(Talk.Reply(request, ""));
                    break;
                default:
                    peer.Send(Talk.Reply(request, "\"server_time\":\"2026-01-01T00:00:00.000Z\""));
                    break;
            }
        }
    }

    void Store(Peer peer, JsonElement request)
    {
        var nonce = request.Text("nonce")!;
        var index = _log.FindIndex(entry => entry.Nonce == nonce);
        var duplicate = index >= 0 ? ",\"duplicate\":true" : "";
        var seq = index >= 0 ? index + 1 : _log.Count + 1;
        peer.Send(Talk.Reply(request,
            $"""
            "lobby_id":"{LobbyId}","seq":{seq},"sent_at":"2026-01-01T00:00:00.000Z"{duplicate}
            """));
        if (index < 0)
        {
            AppendCore(nonce, request.Text("row_data")!);
        }
    }

    void AppendCore(string nonce, string content)
    {
        _log.Add((nonce, content));
        foreach (var peer in _peers.Where(peer => peer.IsSubscribed))
        {
            peer.Send(Event(_log.Count, _log[^1]));
        }
    }

    public static string Event(long seq, (string Nonce, string Content) entry) =>
        $$"""
        {"event":"message","lobby_id":"{{LobbyId}}","lobby_name":"keys","seq":{{seq}},
         "sent_at":"2026-01-01T00:00:00.000Z","from":{"login":"me","public_token":"{{Me}}"},
         "row_data":"{{entry.Content}}","nonce":"{{entry.Nonce}}"}
        """;

    /// <summary>One connection: what it is to be sent, and how many frames it has left.</summary>
    sealed class Peer(Talk talk, int budget)
    {
        int _budget = budget;
        readonly Channel<string> _outgoing = Channel.CreateBounded<string>(1 << 20);

        public bool IsSubscribed { get; set; }

        public void Send(string frame) => _outgoing.Writer.TryWrite(frame);

        /// <summary>Whether there was a frame left.</summary>
        public bool Spend() => Interlocked.Decrement(ref _budget) >= 0;

        /// <summary>Ends when the connection is to be dropped.</summary>
        public async Task WriteAsync(CancellationTokenSource dropped)
        {
            try
            {
                await foreach (var frame in _outgoing.Reader.ReadAllAsync(dropped.Token))
                {
                    if (!Spend())
                    {
                        return;
                    }
                    await talk.SendAsync(frame);
                }
            }
            catch (Exception exception) when (
                exception is OperationCanceledException or System.Net.WebSockets.WebSocketException)
            {
                // Dropped by the reading side.
            }
        }
    }
}
