using Conclave.Protocol;
using Conclave.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Conclave.Tests.Server.Connections;

/// <summary>Who is taken for gone, and who is not. The clock is turned by hand; the sockets are real.</summary>
public sealed class VitalsTests(PostgresCluster postgres)
{
    const int StepsMax = 2000;

    readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(60));

    [Fact]
    public async Task Peer_that_answers_pings_stays_and_one_that_answers_none_is_gone()
    {
        await using var server = await TestServer.StartAsync(postgres, Limits.Default, _time);
        await using var other = await server.ConnectAsync();
        await using var peer = await RawPeer.ConnectAsync(server.Url);
        for (var time = 0; time < 5; time++)
        {
            var ping = (await TurnAsync(peer.ReadAsync(), other))!;
            Assert.Equal(RawPeer.Ping, ping.First);
            await peer.SendFrameAsync(RawPeer.Pong, ping.Payload);
            // The pong has arrived when a request after it is answered.
            await peer.SendAsync("""{"action":"ping"}""");
            Assert.Equal(RawPeer.Text, (await TurnAsync(AnswerAsync(peer), other))!.First);
        }
        Assert.Equal(RawPeer.Ping, (await TurnAsync(peer.ReadAsync(), other))!.First);
        var unanswered = 1;
        while (await TurnAsync(peer.ReadAsync(), other) is { } frame)
        {
            Assert.Equal(RawPeer.Ping, frame.First);
            Assert.InRange(++unanswered, 2, 20);
        }
    }

    [Fact]
    public async Task Reader_that_takes_nothing_is_cut_and_one_that_takes_little_is_not()
    {
        const int Replies = 16;
        const int RowBytes = 900_000;
        await using var server = await TestServer.StartAsync(postgres, Limits.Default, _time);
        await using var other = await server.ConnectAsync();
        var token = await other.SignUpAsync("alice");
        await other.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
        await other.DoAsync(
            $$"""{"action":"message","lobby_name":"den","row_data":"{{new string('x', RowBytes)}}"}""");
        await using var dead = await FloodAsync();
        await using var slow = await FloodAsync();

        // One takes a little every ten seconds, far less than it is sent; the other nothing at all.
        var taken = 0;
        while (taken < Replies * RowBytes)
        {
            var some = await slow.SkipAsync(Math.Min(128 << 10, Replies * RowBytes - taken));
            Assert.NotEqual(0, some);
            taken += some;
            _time.Advance(TimeSpan.FromSeconds(10));
            await other.DoAsync("""{"action":"ping"}""");
        }
        var isCut = false;
        for (var step = 0; step < StepsMax && !isCut; step++)
        {
            _time.Advance(TimeSpan.FromSeconds(10));
            await other.DoAsync("""{"action":"ping"}""");
            isCut = !await dead.TrySendAsync(RawPeer.Ping);
        }
        Assert.True(isCut, "the reader that takes nothing is still there");

        async Task<RawPeer> FloodAsync()
        {
            var peer = await RawPeer.ConnectAsync(server.Url, receiveBytes: 256 << 10);
            for (var reply = 0; reply < Replies; reply++)
                await peer.SendAsync($$"""{"action":"history","lobby_name":"den","token":"{{token}}","limit":1}""");
            return peer;
        }
    }

    static async Task<RawFrame?> AnswerAsync(RawPeer peer)
    {
        while (await peer.ReadAsync() is { } frame)
        {
            if (frame.First == RawPeer.Text)
                return frame;
        }
        return null;
    }

    // Lets time pass, a little at a time, until the peer has read something.
    async Task<RawFrame?> TurnAsync(Task<RawFrame?> reading, WireClient other)
    {
        for (var step = 0; step < StepsMax && !reading.IsCompleted; step++)
        {
            _time.Advance(TimeSpan.FromSeconds(2));
            // The server gets its turn, and this connection shows a sign of life.
            await other.DoAsync("""{"action":"ping"}""");
        }
        return await reading;
    }
}
