using System.Net.WebSockets;
using System.Text.Json;
using System.Threading.Channels;
using Conclave.Protocol;

namespace Conclave.Sdk;

/// <summary>Why a connection is over.</summary>
/// <param name="CloseCode">What the server said; null if it said nothing.</param>
/// <param name="Cause">What broke it; null if it was closed in good order.</param>
/// <param name="WasUseful">Whether anything came over it.</param>
sealed record Ending(int? CloseCode, Exception? Cause, bool WasUseful)
{
    /// <summary>
    /// Whether to connect again (docs/protocol.md, section 8). A lost line is no decision of the server.
    /// </summary>
    public bool MayReconnect =>
        Cause is not BrokenServerException
        && CloseCode is null or Protocol.CloseCode.ServerLeaves or Protocol.CloseCode.Restart
            or Protocol.CloseCode.Overload or Protocol.CloseCode.DeadReader;
}

/// <summary>
/// One socket while it lives: a loop that writes what the <see cref="Outbox"/> has, and one that reads and hands on.
/// The reading loop never waits for anybody but the socket, so that an answer always gets through.
/// </summary>
sealed class Connection(
    WebSocket socket, Outbox outbox, Subscriptions subscriptions, ChannelWriter<Hint> hints, TimeProvider time)
{
    /// <summary>
    /// A reply exceeds 1 MiB by at most one element, which is itself at most a request: this is ample.
    /// </summary>
    const int FrameBytesMax = 16 << 20;

    /// <summary>How long the other side may take to agree that it is over.</summary>
    static readonly TimeSpan GoodbyeMax = TimeSpan.FromSeconds(1);

    public Action<Hint>? LobbyHinted { get; init; }

    byte[] _buffer = new byte[16 << 10];
    bool _wasUseful;

    /// <summary>Serves until the connection is over, or <paramref name="stop"/> asks to close it.</summary>
    public async Task<Ending> RunAsync(CancellationToken stop)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var reading = ReadAsync();
        var writing = WriteAsync(over.Token);
        await Task.WhenAny(reading, writing).ConfigureAwait(false);
        await over.CancelAsync().ConfigureAwait(false);

        using var patience = new CancellationTokenSource(GoodbyeMax, time);
        await using var _ = patience.Token.Register(socket.Abort).ConfigureAwait(false);
        await writing.ConfigureAwait(false);
        await SayGoodbyeAsync().ConfigureAwait(false);
        return await reading.ConfigureAwait(false);
    }

    /// <summary>Ends quietly when the socket breaks: the reading loop knows better why.</summary>
    async Task WriteAsync(CancellationToken over)
    {
        try
        {
            while (!over.IsCancellationRequested)
            {
                if (outbox.Take(out var wait) is not { } request)
                {
                    await outbox.WaitAsync(wait, over).ConfigureAwait(false);
                    continue;
                }
                request.BeginWrite();
                try
                {
                    // Not cancelled by the token: that would tear the socket down before a close frame could be read.
                    await socket.SendAsync(request.Frame, WebSocketMessageType.Text, endOfMessage: true, default)
                        .ConfigureAwait(false);
                }
                finally
                {
                    request.EndWrite();
                }
            }
        }
        catch (Exception exception) when (IsBroken(exception))
        {
        }
    }

    async Task<Ending> ReadAsync()
    {
        try
        {
            while (await ReadFrameAsync().ConfigureAwait(false) is { } length)
            {
                Dispatch(_buffer.AsSpan(0, length));
                _wasUseful = true;
            }
            return new Ending((int?)socket.CloseStatus, null, _wasUseful);
        }
        catch (Exception exception) when (IsBroken(exception) || exception is BrokenServerException)
        {
            return new Ending((int?)socket.CloseStatus, exception, _wasUseful);
        }
    }

    /// <summary>The length of the next frame, which is then in the buffer; null if the server closed.</summary>
    async Task<int?> ReadFrameAsync()
    {
        var length = 0;
        while (true)
        {
            if (length == _buffer.Length)
            {
                if (length >= FrameBytesMax)
                    throw new BrokenServerException("a frame is too large");
                Array.Resize(ref _buffer, 2 * length);
            }
            var part = await socket.ReceiveAsync(_buffer.AsMemory(length), default).ConfigureAwait(false);
            if (part.MessageType == WebSocketMessageType.Close)
                return null;
            if (part.MessageType == WebSocketMessageType.Binary)
                throw new BrokenServerException("a frame is binary");
            length += part.Count;
            if (part.EndOfMessage)
                return length;
        }
    }

    void Dispatch(ReadOnlySpan<byte> utf8)
    {
        var incoming = Incoming.Parse(utf8);
        try
        {
            switch (incoming)
            {
                case { Event: not null, IsEntry: true, LobbyId: { } lobbyId }:
                    // Entries that nobody takes, of a subscription just ended, are not worth reading.
                    if (subscriptions.Find(lobbyId) is { IsTaking: true } subscription)
                        subscription.Take(WireJson.Deserialize<LobbyEvent>(utf8));
                    break;
                case { Event: EventName.KeyNeeded or EventName.KeyReady }:
                    LobbyHinted?.Invoke(WireJson.Deserialize<Hint>(utf8));
                    break;
                case { Event: not null }:
                    Pass(utf8);
                    break;
                case { Id: { } id }:
                    outbox.Answer(id, incoming.IsOk, utf8);
                    break;
                default:
                    throw new BrokenServerException("a request of this client could not be read");
            }
        }
        catch (JsonException exception)
        {
            throw new BrokenServerException("a frame has not the fields it must have", exception);
        }
    }

    void Pass(ReadOnlySpan<byte> utf8)
    {
        try
        {
            var hint = WireJson.Deserialize<Hint>(utf8);
            // If it is the session or the lobby of a subscription, nothing more would come and nobody would say so.
            // Asking to go on finds out, and costs nothing if it is another one.
            if (hint.Event == EventName.SessionEnded)
                subscriptions.Reopen();
            if (hint is { Event: EventName.LobbyDeleted, LobbyId: { } lobbyId })
                subscriptions.Find(lobbyId)?.Resume();
            if (hint.Event == EventName.MessageDeleted)
                LobbyHinted?.Invoke(hint);
            hints.TryWrite(hint);
        }
        catch (JsonException)
        {
            // A newer server has hints of other shapes, and nobody here to understand them.
        }
    }

    async Task SayGoodbyeAsync()
    {
        try
        {
            if (socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
                await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, default).ConfigureAwait(false);
        }
        catch (Exception exception) when (IsBroken(exception))
        {
        }
    }

    static bool IsBroken(Exception exception) =>
        exception is WebSocketException or IOException or ObjectDisposedException or OperationCanceledException;
}
