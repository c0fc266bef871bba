using System.Buffers.Binary;
using System.IO.Pipelines;
using Conclave.Protocol;
using Conclave.Server.Connections;

namespace Conclave.Tests.Server.Connections;

public sealed class FrameReaderTests : IDisposable
{
    static readonly byte[] _mask = [0, 0, 0, 0];
    static readonly byte[] _close = [0x88, 0x80, .. _mask];
    readonly Pipe _pipe = new(new PipeOptions(
        readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline,
        useSynchronizationContext: false));
    readonly FrameReader _reader;

    public FrameReaderTests()
    {
        var limits = new Limits();
        _reader = new FrameReader(_pipe.Reader, new RequestBudgets(limits), limits, TimeProvider.System)
        {
            Pinged = _ => { },
        };
    }

    public void Dispose() => _reader.Dispose();

    [Fact]
    public async Task A_close_inside_the_payload_of_a_frame_that_is_too_big_is_not_taken_for_one()
    {
        const int Bytes = 1 << 20;
        await SendAsync([0x81, 0xFF, .. Size(Bytes), .. _mask]);
        Assert.Equal(CloseCode.TooBig, await _reader.ReadAsync(isKnown: false, CancellationToken.None));
        var discarding = _reader.DiscardAsync();
        await SendAsync(_close);
        await SendAsync(new byte[1000]);
        await SendAsync(_close);
        Assert.False(discarding.IsCompleted);
        await SendAsync(new byte[Bytes - 1000 - 2 * _close.Length]);
        Assert.False(discarding.IsCompleted);
        await SendAsync(_close);
        await discarding;
    }

    [Fact]
    public async Task A_close_is_found_behind_frames_that_come_byte_by_byte()
    {
        await SendAsync([0x82, 0x83, .. _mask]);
        Assert.Equal(CloseCode.Binary, await _reader.ReadAsync(isKnown: false, CancellationToken.None));
        var discarding = _reader.DiscardAsync();
        byte[] frames = [1, 2, 3, 0x81, 0xFE, 0, 130, .. _mask, .. new byte[130], 0x81, 0x80, .. _mask, .. _close];
        foreach (var one in frames)
        {
            Assert.False(discarding.IsCompleted);
            await SendAsync([one]);
        }
        await discarding;
    }

    [Fact]
    public async Task After_bytes_that_are_no_frames_nothing_is_taken_for_a_close()
    {
        await SendAsync([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]);
        Assert.Equal(CloseCode.ProtocolError, await _reader.ReadAsync(isKnown: false, CancellationToken.None));
        var discarding = _reader.DiscardAsync();
        await SendAsync(_close);
        Assert.False(discarding.IsCompleted);
        await _pipe.Writer.CompleteAsync();
        await discarding;
    }

    static byte[] Size(long bytes)
    {
        var size = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(size, bytes);
        return size;
    }

    async Task SendAsync(byte[] bytes) => await _pipe.Writer.WriteAsync(bytes);
}
