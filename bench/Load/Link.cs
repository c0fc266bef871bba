using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Conclave.Bench.Load;

/// <summary>One connection to the server, and what a workload notes about it.</summary>
sealed class Link : IDisposable
{
    readonly Socket _socket;
    byte[] _unsent = [];
    int _unsentCount;

    public Link(int index, IPEndPoint server, IPAddress? source = null, int receiveBytes = 0)
    {
        Index = index;
        _socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (receiveBytes > 0)
            _socket.ReceiveBufferSize = receiveBytes;
        if (source is not null)
            _socket.Bind(new IPEndPoint(source, 0));
        try
        {
            _socket.Connect(server);
        }
        catch (SocketException fault)
        {
            throw new LoadException($"{server} takes no connection: {fault.Message}");
        }
        _socket.Blocking = false;
        Descriptor = (int)_socket.Handle;
    }

    public int Index { get; }

    /// <summary>When it began to connect.</summary>
    public long Since { get; } = Stopwatch.GetTimestamp();

    public int Descriptor { get; }

    /// <summary>The beginning of a frame whose end has not come yet.</summary>
    public byte[] Partial { get; set; } = [];

    public int PartialCount { get; set; }

    public bool IsUpgraded { get; set; }

    public bool HasUnsent => _unsentCount > 0;

    /// <summary>How many questions it has asked while it opens.</summary>
    public int Step { get; set; }

    /// <summary>Bytes received.</summary>
    public long Received { get; set; }

    /// <summary>What the workload posts here; null where it only listens.</summary>
    public Poster? Poster { get; set; }

    /// <summary>What the workload follows here; null where it only posts.</summary>
    public Follower? Follower { get; set; }

    /// <summary>Sends, or keeps what the socket does not take now. False if something is kept.</summary>
    public bool Send(ReadOnlySpan<byte> bytes)
    {
        if (_unsentCount == 0)
            bytes = bytes[SendNow(bytes)..];
        if (bytes.IsEmpty)
            return true;
        if (_unsentCount + bytes.Length > _unsent.Length)
            Array.Resize(ref _unsent, Math.Max(_unsentCount + bytes.Length, 2 * _unsent.Length));
        bytes.CopyTo(_unsent.AsSpan(_unsentCount));
        _unsentCount += bytes.Length;
        return false;
    }

    /// <summary>Sends what was kept. False if something is still kept.</summary>
    public bool SendUnsent()
    {
        var sent = SendNow(_unsent.AsSpan(0, _unsentCount));
        _unsent.AsSpan(sent, _unsentCount - sent).CopyTo(_unsent);
        _unsentCount -= sent;
        return _unsentCount == 0;
    }

    /// <summary>What has come, at most as much as fits; 0 if nothing.</summary>
    public int Receive(Span<byte> buffer)
    {
        var count = (int)Native.Receive(Descriptor, ref buffer[0], buffer.Length, 0);
        if (count < 0 && Native.WouldBlock)
            return 0;
        if (count <= 0)
            throw new LoadException($"the server ended connection {Index}");
        Received += count;
        return count;
    }

    public void Dispose() => _socket.Dispose();

    int SendNow(ReadOnlySpan<byte> bytes)
    {
        var sent = (int)Native.Send(Descriptor, in bytes[0], bytes.Length, Native.NoSignal);
        if (sent >= 0)
            return sent;
        return Native.WouldBlock ? 0 : throw new LoadException($"the server ended connection {Index}");
    }
}

/// <summary>The run cannot go on; the message says why.</summary>
sealed class LoadException(string message) : Exception(message);
