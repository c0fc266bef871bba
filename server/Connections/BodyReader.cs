using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using System.Text.Unicode;
using Conclave.Protocol;
using Conclave.Server.Actions;
using Conclave.Server.Lobbies;

namespace Conclave.Server.Connections;

/// <summary>
/// Reads the one request of a POST under the limits of a WebSocket's. Whose it is stands in the body itself: what is
/// larger than a stranger's request may be must show its token before that size is reached.
/// </summary>
sealed class BodyReader(PipeReader input, RequestBudgets budgets, Limits limits, TimeProvider time) : IDisposable
{
    readonly RequestBuffer _buffer = new();
    readonly CancellationTokenSource _givenUp = new();
    long _readingSince;

    /// <summary>Since when the body has been arriving, as a timestamp; 0 if it is not waited for.</summary>
    public long ReadingSince => Interlocked.Read(ref _readingSince);

    /// <summary>The request that was read; until <see cref="Release"/>.</summary>
    public ReadOnlyMemory<byte> Request => _buffer.Written;

    /// <summary>Reads it all.</summary>
    /// <param name="bytes">How many there will be; null if the caller does not say.</param>
    /// <param name="isValid">Whether a token is that of a session.</param>
    /// <param name="aborted">The caller is gone.</param>
    /// <returns>Null when it is there; else why it is refused.</returns>
    /// <exception cref="IOException">The connection is gone.</exception>
    public async ValueTask<Answer?> ReadAsync(
        long? bytes, Func<Guid, ValueTask<bool>> isValid, CancellationToken aborted)
    {
        if (bytes > limits.RequestBytesMax)
            return TooLarge();
        using var reading = CancellationTokenSource.CreateLinkedTokenSource(aborted, _givenUp.Token);
        var bytesMax = Math.Min(limits.AnonymousRequestBytesMax, limits.RequestBytesMax);
        _buffer.Open();
        try
        {
            while (!await FillAsync(bytesMax, reading.Token))
            {
                if (_buffer.Count > bytesMax)
                {
                    if (bytesMax == limits.RequestBytesMax
                        || FindToken(Request.Span) is not { } token || !await isValid(token))
                        return TooLarge();
                    bytesMax = limits.RequestBytesMax;
                    await _buffer.LeaseAsync(budgets.Known, bytesMax, reading.Token);
                }
                if (!_buffer.IsLeased)
                    await _buffer.LeaseAsync(budgets.Anonymous, bytesMax, reading.Token);
                if (_buffer.Room.IsEmpty)
                    _buffer.Grow(bytesMax + 1L);
            }
        }
        catch (OperationCanceledException) when (_givenUp.IsCancellationRequested && !aborted.IsCancellationRequested)
        {
            return Refused.Busy();
        }
        _buffer.Settle();
        return Utf8.IsValid(Request.Span) ? null : Dispatch.BadJson();
    }

    /// <summary>Waits no longer for the rest.</summary>
    public void GiveUp()
    {
        try
        {
            _givenUp.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has just been answered.
        }
    }

    /// <summary>Hands over what the request holds of the budget; null for a small one.</summary>
    public ByteBudget.Lease? TakeLease() => _buffer.TakeLease();

    /// <summary>Done with the request.</summary>
    public void Release() => _buffer.Release();

    public void Dispose()
    {
        _buffer.Dispose();
        _givenUp.Dispose();
    }

    // Reads until the buffer is full, one byte more than allowed is there, or the body ends: then true.
    async ValueTask<bool> FillAsync(int bytesMax, CancellationToken cancellation)
    {
        Interlocked.Exchange(ref _readingSince, time.GetTimestamp());
        // Not by the token: the framework could not read on over the rest of a body that was cancelled so.
        await using var registration = cancellation.Register(input.CancelPendingRead);
        try
        {
            while (true)
            {
                var result = await input.ReadAsync(CancellationToken.None);
                if (result.IsCanceled)
                {
                    input.AdvanceTo(result.Buffer.Start);
                    throw new OperationCanceledException(cancellation);
                }
                var room = Math.Min(_buffer.Room.Length, bytesMax + 1L - _buffer.Count);
                var piece = result.Buffer.Slice(0, Math.Min(room, result.Buffer.Length));
                piece.CopyTo(_buffer.Room);
                _buffer.Advance((int)piece.Length);
                var isAll = piece.Length == result.Buffer.Length && result.IsCompleted;
                input.AdvanceTo(piece.End);
                if (_buffer.Count > bytesMax)
                    return false;
                if (isAll)
                    return true;
                if (piece.Length == room)
                    return false;
            }
        }
        finally
        {
            Interlocked.Exchange(ref _readingSince, 0);
        }
    }

    // The token among the fields that are there already.
    static Guid? FindToken(ReadOnlySpan<byte> beginning)
    {
        var reader = new Utf8JsonReader(
            beginning, isFinalBlock: false, new JsonReaderState(new JsonReaderOptions { MaxDepth = int.MaxValue }));
        try
        {
            while (reader.Read())
            {
                if (reader.CurrentDepth != 1 || reader.TokenType != JsonTokenType.PropertyName
                    || !reader.ValueTextEquals("token"u8))
                    continue;
                return reader.Read() && reader.TokenType == JsonTokenType.String
                    && Uuid.TryParse(reader.ValueSpan, out var token) ? token : null;
            }
        }
        catch (JsonException)
        {
            // No request at all: it may be no larger either.
        }
        return null;
    }

    static Answer TooLarge() => Answer.Refuse(
        ErrorCode.TooLarge, "the request has more bytes than allowed, or too many of them before its token");
}
