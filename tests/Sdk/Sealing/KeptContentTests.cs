using Conclave.Sdk;
using Conclave.Sdk.Sealing;
using Conclave.Sdk.Storage;
using Conclave.Sealing;
using Conclave.Tests.Support;
using Microsoft.Data.Sqlite;
using Verdict = Conclave.Sdk.Verdict;

namespace Conclave.Tests.Sdk.Sealing;

/// <summary>What of lobbies stays on a device, and how long.</summary>
public sealed class KeptContentTests(PostgresCluster postgres) : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("conclave-state-").FullName;
    Uri _address = new("http://127.0.0.1:1");

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Erasure_is_noticed_by_who_was_away()
    {
        await using var server = await TestServer.StartAsync(postgres);
        await using var alice = await SignUpAsync(server, "alice");
        await alice.Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        await alice.PostAsync("den", "one", cancellationToken: Cancel);
        await alice.PostAsync("den", "two", cancellationToken: Cancel);
        await using (var phone = await SignInAsync(server, "alice", "phone"))
            Assert.Equal(["one", "two"], Texts((await phone.HistoryAsync("den", cancellationToken: Cancel)).Entries));

        await alice.Lobbies.EraseMessageAsync("den", 2, Cancel);
        await using (var phone = await SignInAsync(server, "alice", "phone"))
        {
            var page = await phone.HistoryAsync("den", cancellationToken: Cancel);
            Assert.Equal(["two"], Texts(page.Entries));
            Assert.Equal(Verdict.Erased, page.Entries[1].Verdict);
        }
        await alice.Lobbies.EraseMessageAsync("den", 3, Cancel);
        await using (var phone = await SignInAsync(server, "alice", "phone"))
        {
            await using var subscription = await phone.SubscribeAsync("den", Position.Start, Cancel);
            var entries = await subscription.ReadAllAsync(Cancel).Take(3).ToListAsync(Cancel);
            Assert.Empty(Texts(entries));
        }
        Assert.All(Kept("alice", "phone").Skip(1), row => Assert.Null(row.RowData));
    }

    [Fact]
    public async Task Oldest_content_makes_room_and_is_fetched_again_when_it_is_wanted()
    {
        await using var server = await TestServer.StartAsync(postgres);
        await using var alice = await SignUpAsync(server, "alice");
        await alice.Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        var texts = Enumerable.Range(0, 40).Select(number => $"{number} {new string('x', 8000)}").ToList();
        await using var phone = await SignInAsync(server, "alice", "phone", stateBytesMax: 256 * 1024);
        foreach (var text in texts)
            await phone.PostAsync("den", text, cancellationToken: Cancel);

        var kept = Kept("alice", "phone").Skip(1).ToList();
        Assert.Contains(kept, row => row.RowData is null);
        Assert.NotNull(kept[^1].RowData);
        Assert.True(kept.Sum(row => row.RowData?.Length ?? 0) < 256 * 1024);
        var entries = (await phone.HistoryAsync("den", cancellationToken: Cancel)).Entries;
        Assert.Equal(texts, Texts(entries));
        Assert.All(entries, entry => Assert.Equal(Verdict.Verified, entry.Verdict));
    }

    [Fact]
    public async Task Message_that_nobody_has_looked_at_is_neither_verified_nor_gone_when_it_is_left_out()
    {
        await using var server = await TestServer.StartAsync(postgres);
        await using var alice = await SignUpAsync(server, "alice");
        await alice.Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        await alice.Files.PutAsync("den", "plan", "image/png", new MemoryStream(new byte[200_000]), Cancel);
        await using var phone = await SignInAsync(server, "alice", "phone");
        // A reader of one secret leaves out what is as large as this.
        Assert.Null(await phone.Secrets.GetAsync("den", "none", Cancel));

        var omitted = (await phone.HistoryAsync("den", bodyMax: 1000, cancellationToken: Cancel)).Entries[1];
        Assert.Equal((Verdict.Erased, false), (omitted.Verdict, omitted.IsGone));
        Assert.InRange(omitted.OmittedBytes ?? 0, 200_000, 1 << 20);
        Assert.Equal("alice", omitted.From.Login);

        var whole = (await phone.HistoryAsync("den", cancellationToken: Cancel)).Entries[1];
        Assert.Equal((Verdict.Verified, "file"), (whole.Verdict, whole.Content?.Type));
    }

    [Fact]
    public async Task Content_and_keys_go_with_the_membership_and_what_was_verified_stays()
    {
        await using var server = await TestServer.StartAsync(postgres);
        await using var alice = await SignUpAsync(server, "alice");
        await using var bob = await SignUpAsync(server, "bob");
        var den = await alice.Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        await alice.PostAsync("den", "hello", cancellationToken: Cancel);
        await alice.Lobbies.InviteAsync("den", "bob", cancellationToken: Cancel);
        Assert.Equal(["hello"], Texts((await bob.HistoryAsync("den", cancellationToken: Cancel)).Entries));

        await bob.Lobbies.LeaveAsync("den", cancellationToken: Cancel);
        Assert.All(Kept("bob", "bob").Where(row => row.Row.Message is not null), row => Assert.Null(row.RowData));
        using (var session = Open("bob", "bob"))
        using (var keys = new KeyRing())
        {
            session.Keys.Load(KeptLobbies.Restore(session, den.LobbyId)!.Log.Roster!, keys);
            Assert.Empty(keys.Generations);
        }
        await alice.Lobbies.InviteAsync("den", "bob", cancellationToken: Cancel);
        Assert.Equal(["hello"], Texts((await bob.HistoryAsync("den", cancellationToken: Cancel)).Entries));
    }

    [Fact]
    public async Task Content_of_a_lobby_that_one_was_removed_from_meanwhile_goes_when_the_lobbies_are_listed()
    {
        await using var server = await TestServer.StartAsync(postgres);
        await using var alice = await SignUpAsync(server, "alice");
        await using var bob = await SignUpAsync(server, "bob");
        await alice.Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        await alice.PostAsync("den", "hello", cancellationToken: Cancel);
        await alice.Lobbies.InviteAsync("den", "bob", cancellationToken: Cancel);
        await bob.HistoryAsync("den", cancellationToken: Cancel);
        await alice.Lobbies.RemoveMemberAsync("den", bob.User!.PublicToken, cancellationToken: Cancel);

        Assert.Empty(await bob.MyLobbiesAsync(Cancel));

        Assert.All(Kept("bob", "bob").Where(row => row.Row.Message is not null), row => Assert.Null(row.RowData));
    }

    [Fact]
    public void State_of_an_earlier_version_is_brought_up_to_date()
    {
        using (Open("alice", "alice"))
        {
            // Only made.
        }
        var file = Directory.GetFiles(Path.Combine(_folder, "alice"), "*.db")[0];
        using (var connection = new SqliteConnection($"Data Source={file};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText =
                """
                DROP TABLE former_seeds;
                ALTER TABLE lobbies DROP COLUMN is_introduced;
                ALTER TABLE lobbies DROP COLUMN erasures;
                PRAGMA user_version = 1;
                """;
            command.ExecuteNonQuery();
        }
        using var session = Open("alice", "alice");
        Assert.Empty(session.Accounts.FormerSeeds());
        Assert.Empty(session.Lobbies.All());
    }

    List<KeptEntry> Kept(string login, string device)
    {
        using var session = Open(login, device);
        return session.Lobbies.Entries(session.Lobbies.All()[0], 0, 1000, 1000);
    }

    SealedSession Open(string login, string device)
    {
        var options = OptionsFor(_address, device);
        return SealedSession.Open(new Link(options), options, login);
    }

    async Task<ConclaveClient> SignUpAsync(TestServer server, string login)
    {
        _address = server.Url;
        await using (var client = new ConclaveClient(OptionsFor(server.Url, login)))
            await client.RegisterAsync(login, $"password of {login}", Cancel);
        return await SignInAsync(server, login, login);
    }

    async Task<ConclaveClient> SignInAsync(
        TestServer server, string login, string device, long stateBytesMax = long.MaxValue)
    {
        var client = new ConclaveClient(OptionsFor(server.Url, device) with { StateBytesMax = stateBytesMax });
        await client.SignInAsync(login, $"password of {login}", Cancel);
        return client;
    }

    ConclaveOptions OptionsFor(Uri server, string device) => ConclaveOptions.Default with
    {
        Server = server,
        StateFolder = Path.Combine(_folder, device),
    };

    static IEnumerable<string> Texts(IEnumerable<Entry> entries) =>
        entries.Select(entry => entry.Content?.Text).OfType<string>();
}
