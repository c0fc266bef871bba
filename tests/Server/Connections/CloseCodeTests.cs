using System.Reflection;
using Conclave.Protocol;
using Conclave.Tests.Support;

namespace Conclave.Tests.Server.Connections;

/// <summary>Every code of docs/protocol.md, section 8, with which a connection can end.</summary>
public sealed class CloseCodeTests(PostgresCluster postgres)
{
    static readonly Dictionary<int, (Limits Limits, Func<RawPeer, Task> Break)> Table = new()
    {
        [CloseCode.Done] = (new(), peer => peer.SendFrameAsync(RawPeer.Close, [0x03, 0xE8])),
        // A client that does not mask.
        [CloseCode.ProtocolError] = (new(), peer => peer.SendAsync((byte[])[RawPeer.Text, 2, .. "{}"u8])),
        [CloseCode.Binary] = (new(), peer => peer.SendFrameAsync(RawPeer.Binary, "{}"u8)),
        [CloseCode.NotUtf8] = (new(), peer => peer.SendFrameAsync(RawPeer.Text, [0xFF])),
        [CloseCode.TooBig] = (new(), peer => peer.SendFrameAsync(RawPeer.Text, new byte[100_000])),
        [CloseCode.Restart] = (new(), _ => Task.CompletedTask),
        [CloseCode.Overload] = (
            new() { RequestTimeMax = TimeSpan.FromMilliseconds(100) },
            peer => peer.SendFrameAsync(RawPeer.FirstPart, new byte[10_000])),
        [CloseCode.TooManyConnections] = (new() { ConnectionsPerAddressMax = 1 }, _ => Task.CompletedTask),
    };

    // The first is reserved; the other is said to one who reads nothing (VitalsTests).
    static readonly int[] Unsaid = [CloseCode.ServerLeaves, CloseCode.DeadReader];

    public static TheoryData<int> Codes => [.. typeof(CloseCode).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(constant => (int)constant.GetRawConstantValue()!).Except(Unsaid)];

    [Theory]
    [MemberData(nameof(Codes))]
    public async Task Connection_ends_with_its_code(int code)
    {
        var (limits, breakRules) = Table[code];
        var server = await TestServer.StartAsync(postgres, limits);
        await using var first = await RawPeer.ConnectAsync(server.Url);
        await first.SendAsync("""{"action":"ping"}""");
        Assert.Equal(RawPeer.Text, (await first.ReadAsync())!.First);
        await using var second = code == CloseCode.TooManyConnections ? await RawPeer.ConnectAsync(server.Url) : null;
        await breakRules(first);
        var stopping = code == CloseCode.Restart ? server.DisposeAsync().AsTask() : null;
        Assert.Equal(code, await (second ?? first).ClosedAsync());
        await first.TrySendAsync(RawPeer.Close);
        await (stopping ?? server.DisposeAsync().AsTask());
    }
}
