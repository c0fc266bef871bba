using System.Text;
using Conclave.Protocol;
using Conclave.Tests.Support;

namespace Conclave.Tests.Server.Connections;

/// <summary>What ends a connection, and what does not: docs/protocol.md, section 1.</summary>
public sealed class CloseTests(SharedServer server) : IClassFixture<SharedServer>
{
    const int AnonymousBytesMax = 64 << 10;
    const int RequestBytesMax = 1 << 20;

    static readonly byte[] Ping = """{"action":"ping"}"""u8.ToArray();

    [Fact]
    public async Task Peer_that_breaks_the_rules_reads_the_close_code_that_says_so()
    {
        var large = new byte[3 << 20];
        (string What, int Code, Func<RawPeer, Task> Break)[] table =
        [
            ("binary", CloseCode.Binary, peer => peer.SendFrameAsync(RawPeer.Binary, Ping)),
            ("large binary", CloseCode.Binary, peer => peer.SendFrameAsync(RawPeer.Binary, large)),
            ("no UTF-8", CloseCode.NotUtf8, peer => peer.SendFrameAsync(RawPeer.Text, [.. "{\"x\":\""u8, 0xFF])),
            ("no UTF-8, more", CloseCode.NotUtf8, async peer =>
            {
                await peer.SendFrameAsync(RawPeer.Text, [0xFF]);
                for (var time = 0; time < 50; time++)
                    await peer.SendFrameAsync(RawPeer.Text, Ping);
            }),
            ("half a surrogate", CloseCode.NotUtf8, peer => peer.SendFrameAsync(RawPeer.Text, [0xED, 0xA0, 0x80])),
            ("overlong", CloseCode.NotUtf8, peer => peer.SendFrameAsync(RawPeer.Text, [0xC0, 0xAF])),
            ("cut within a character", CloseCode.NotUtf8, peer => peer.SendFrameAsync(RawPeer.Text, [0x22, 0xD0])),
            ("too big", CloseCode.TooBig, peer => peer.SendFrameAsync(RawPeer.Text, Request(AnonymousBytesMax + 1))),
            ("much too big", CloseCode.TooBig, peer => peer.SendFrameAsync(RawPeer.Text, large)),
            ("too big in parts", CloseCode.TooBig, async peer =>
            {
                await peer.SendFrameAsync(RawPeer.FirstPart, Request(AnonymousBytesMax));
                await peer.SendFrameAsync(RawPeer.LastPart, [(byte)' ']);
            }),
            ("goodbye", CloseCode.Done, peer => peer.SendFrameAsync(RawPeer.Close, [0x03, 0xE8])),
            ("goodbye in a message", CloseCode.Done, async peer =>
            {
                await peer.SendFrameAsync(RawPeer.FirstPart, "{"u8);
                await peer.SendFrameAsync(RawPeer.Close, [0x03, 0xE8]);
            }),
        ];
        foreach (var (what, code, breakRules) in table)
        {
            TestContext.Current.TestOutputHelper?.WriteLine(what);
            await using var peer = await RawPeer.ConnectAsync(server.Server.Url);
            await peer.SendFrameAsync(RawPeer.Text, Ping);
            Assert.Contains("\"ok\":true", (await peer.ReadAsync())!.Text, StringComparison.Ordinal);
            await breakRules(peer);
            Assert.Equal($"{what} {code}", $"{what} {await peer.ClosedAsync()}");
        }
    }

    [Fact]
    public async Task Request_of_exactly_the_limit_is_answered_and_one_byte_more_is_too_big()
    {
        await using var peer = await RawPeer.ConnectAsync(server.Server.Url);
        await peer.SendFrameAsync(RawPeer.Text, Request(AnonymousBytesMax));
        Assert.Contains("\"ok\":true", (await peer.ReadAsync())!.Text, StringComparison.Ordinal);
        await using var guest = await server.SignUpAsync();
        await peer.SendAsync($$"""{"action":"whoami","token":"{{guest.Token}}"}""");
        Assert.Contains("\"ok\":true", (await peer.ReadAsync())!.Text, StringComparison.Ordinal);
        await peer.SendFrameAsync(RawPeer.Text, Request(RequestBytesMax));
        Assert.Contains("\"ok\":true", (await peer.ReadAsync())!.Text, StringComparison.Ordinal);
        await peer.SendFrameAsync(RawPeer.Text, Request(RequestBytesMax + 1));
        Assert.Equal(CloseCode.TooBig, await peer.ClosedAsync());
    }

    [Fact]
    public async Task What_came_before_the_break_is_answered()
    {
        await using var peer = await RawPeer.ConnectAsync(server.Server.Url);
        for (var id = 0; id < 20; id++)
            await peer.SendAsync($$"""{"id":{{id}},"action":"ping"}""");
        await peer.SendFrameAsync(RawPeer.Binary, Ping);
        for (var id = 0; id < 20; id++)
            Assert.StartsWith($$"""{"id":{{id}},""", (await peer.ReadAsync())!.Text, StringComparison.Ordinal);
        Assert.Equal(CloseCode.Binary, await peer.ClosedAsync());
    }

    [Fact]
    public async Task Message_in_parts_is_joined_also_within_a_character_and_around_pings()
    {
        await using var guest = await server.SignUpAsync();
        var lobby = await server.CreateLobbyAsync(guest);
        await using var peer = await RawPeer.ConnectAsync(server.Server.Url);
        var text = "ж😀" + new string('я', 9000);
        var request = Encoding.UTF8.GetBytes(
            $$"""{"action":"message","token":"{{guest.Token}}","lobby_name":"{{lobby}}","row_data":"{{text}}"}""");
        int[] sizes = [1, 3, 100, 4096, 5000];
        foreach (var size in sizes)
        {
            for (var start = 0; start < request.Length; start += size)
            {
                var isLast = start + size >= request.Length;
                var kind = start == 0 ? RawPeer.FirstPart : isLast ? RawPeer.LastPart : RawPeer.NextPart;
                await peer.SendFrameAsync(kind, request.AsSpan(start, Math.Min(size, request.Length - start)));
                if (start % (size * 50) == 0)
                    await peer.SendFrameAsync(RawPeer.Ping, "still there?"u8);
                if (size < 100 && start > 200)
                {
                    // A thousand tiny parts prove no more than a hundred.
                    await peer.SendFrameAsync(RawPeer.LastPart, request.AsSpan(start + size));
                    break;
                }
            }
            RawFrame frame;
            while ((frame = (await peer.ReadAsync())!).First == RawPeer.Pong)
                Assert.Equal("still there?", frame.Text);
            Assert.Contains("\"ok\":true", frame.Text, StringComparison.Ordinal);
        }
        var page = await guest.Client.DoAsync($$"""{"action":"history","lobby_name":"{{lobby}}","after":1}""");
        foreach (var posted in page["events"]!.AsArray())
            Assert.Equal(text, posted!["row_data"]!.GetValue<string>());
        Assert.Equal(sizes.Length, page["events"]!.AsArray().Count);
    }

    [Fact]
    public async Task Upgrade_offers_no_compression_and_works_at_both_paths()
    {
        const string Extension = "Sec-WebSocket-Extensions";
        await using var peer = await RawPeer.ConnectAsync(
            server.Server.Url, header: Extension + ": permessage-deflate; client_max_window_bits");
        Assert.StartsWith("HTTP/1.1 101 ", peer.Handshake, StringComparison.Ordinal);
        Assert.DoesNotContain(Extension, peer.Handshake, StringComparison.OrdinalIgnoreCase);
        await using var root = await WireClient.ConnectAsync(server.Server.Url, "/");
        await root.DoAsync("""{"action":"ping"}""");
        await peer.SendFrameAsync(RawPeer.Ping, "abc"u8);
        Assert.Equal((RawPeer.Pong, "abc"), await peer.ReadAsync() is { } pong ? (pong.First, pong.Text) : default);
    }

    static byte[] Request(int bytes)
    {
        var request = new byte[bytes];
        request.AsSpan().Fill((byte)' ');
        Ping.CopyTo(request, 0);
        return request;
    }
}
