using Conclave.Roster;
using Conclave.Sealing;
using Conclave.Tests.Support;
using Npgsql;

namespace Conclave.Tests.Server.Actions;

/// <summary>What is erased of a sealed lobby leaves its hash, and so the transcript, behind.</summary>
public sealed class SealedErasureTests(SharedServer server) : IClassFixture<SharedServer>
{
    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Erased_row_is_a_tombstone_and_the_roster_stays()
    {
        await using var alice = await SignUpAsync();
        using var den = await SealedDen.CreateAsync(alice, server.Fresh("den"));
        await den.PostAsync(alice, "stays");
        var (id, brief) = (SealedMessage.NewId(), SealedMessage.NewId());
        var row = den.Seal(alice, "goes", id);
        var request = den.Message(row, id);
        await TakeAsync(request);
        await TakeAsync(Expiring(den.Message(den.Seal(alice, "expires", brief), brief), seconds: 3600));
        await Outcomes.HoldAsync(alice.Client,
        [
            ($$"""{"action":"delete_message",{{den.Where}},"seq":1}""", "no_such_message"),
            ($$"""{"action":"delete_message",{{den.Where}},"seq":3}""", "ok"),
        ]);
        var events = (await alice.Client.DoAsync($$"""{"action":"history",{{den.Where}}}"""))["events"]!.AsArray();
        var gone = events[2]!.AsObject();
        Assert.True(gone["gone"]!.GetValue<bool>());
        Assert.True(gone.ContainsKey("row_data") && gone["row_data"] is null);
        Assert.Equal(SealedRow.Parse(row).Hash.ToString(), gone["row_hash"]!.GetValue<string>());
        Assert.NotNull(events[0]!["row_data"]);
        Assert.NotNull(events[3]!["expires_at"]);
        // The row's name goes on standing for it, and the transcript goes on from its hash.
        Assert.True((await alice.Client.DoAsync(request))["duplicate"]!.GetValue<bool>());
        await den.PostAsync(alice, "goes on");

        async Task TakeAsync(string post)
        {
            var seq = (await alice.Client.DoAsync(post))["seq"]!.GetValue<long>();
            var page = await alice.Client.DoAsync($$"""{"action":"history",{{den.Where}},"after":{{seq - 1}}}""");
            den.Take(page["events"]!.AsArray()[0]!.AsObject());
        }
    }

    [Fact]
    public async Task Deleted_lobby_takes_its_roster_and_its_wrapped_keys_with_it()
    {
        await using var alice = await SignUpAsync();
        using var den = await SealedDen.CreateAsync(alice, server.Fresh("den"));
        await den.PostAsync(alice, "goes");
        await alice.Client.DoAsync($$"""{"action":"delete_lobby",{{den.Where}}}""");
        await Outcomes.HoldAsync(alice.Client,
        [
            ($$"""{"action":"roster",{{den.Where}}}""", "no_such_lobby"),
            ($$"""{"action":"my_keys",{{den.Where}}}""", "no_such_lobby"),
            (den.Message(den.Seal(alice, "late", Guid.Empty), Guid.Empty), "no_such_lobby"),
        ]);
        await using var database = NpgsqlDataSource.Create(server.Server.Database);
        foreach (var table in (string[])["entries", "members", "roster_rows", "key_wraps"])
        {
            await using var command = database.CreateCommand(
                $"SELECT EXISTS (SELECT FROM {table} WHERE lobby_id = '{den.LobbyId}')");
            while (await command.ExecuteScalarAsync(Cancellation) is true)
                Cancellation.ThrowIfCancellationRequested();
        }
    }

    static string Expiring(string message, int seconds) => $"{message[..^1]},\"expires_in\":{seconds}}}";

    Task<SealingUser> SignUpAsync() => SealingUser.SignUpAsync(server.Server, server.Fresh("user"));
}
