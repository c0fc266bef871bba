using Conclave.Protocol;
using Conclave.Roster;
using Conclave.Sealing;
using Conclave.Tests.Support;

namespace Conclave.Tests.Server.Writing;

/// <summary>
/// How far back messages of a sealed lobby may have seen the log, also on a server that has just started.
/// </summary>
public sealed class SealedWindowTests(PostgresCluster postgres)
{
    const int InFlight = 50;

    static readonly Limits Unhurried = TestServer.Unhurried with { SealedRowsPerSecond = int.MaxValue / 2 };

    [Fact]
    public async Task Window_is_whole_after_a_restart()
    {
        var server = await TestServer.StartAsync(postgres, Unhurried);
        try
        {
            await using var alice = await SealingUser.SignUpAsync(server, "alice");
            using var den = await SealedDen.CreateAsync(alice, "den");
            while (den.Log.Last.Seq < LobbyLog.WindowRows + (2 * InFlight))
                await FillAsync(den, alice);
            server = await server.RestartAsync(Unhurried);
            await alice.ReconnectAsync(server);
            var tooOld = den.Log.Last.Seq - LobbyLog.WindowRows;
            Assert.Equal("stale_transcript", await alice.Client.RefusedAsync(Message(den, alice, tooOld)));
            Assert.Equal("fork", await alice.Client.RefusedAsync(Message(den, alice, tooOld + 1, forked: true)));
            await alice.Client.DoAsync(Message(den, alice, tooOld + 1));
        }
        finally
        {
            await server.DisposeAsync();
        }
    }

    static string Message(SealedDen den, SealingUser by, ulong seenSeq, bool forked = false)
    {
        var id = SealedMessage.NewId();
        var hash = den.Log.HashAt(forked ? seenSeq + 1 : seenSeq)!.Value;
        return den.Message(den.Seal(by, "an edge", id, new Seen(new LogPoint(seenSeq, hash), false)), id);
    }

    static async Task FillAsync(SealedDen den, SealingUser by)
    {
        var seen = Seen.In(den.Log);
        List<byte[]> rows = [];
        for (var number = 0; number < InFlight; number++)
        {
            var id = SealedMessage.NewId();
            rows.Add(den.Seal(by, "one of many", id, seen));
            await by.Client.SendAsync(den.Message(rows[^1], id));
        }
        foreach (var row in rows)
            den.Take(by, row, await by.Client.ReplyAsync());
    }
}
