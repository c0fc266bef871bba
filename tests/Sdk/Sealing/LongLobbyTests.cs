using System.Diagnostics;
using System.Security.Cryptography;
using Conclave.Protocol;
using Conclave.Roster;
using Conclave.Sdk;
using Conclave.Sdk.Sealing;
using Conclave.Sealing;
using Conclave.Tests.Support;
using CommandLine = Conclave.Tests.Client.Transcript;
using Verdict = Conclave.Sdk.Verdict;

namespace Conclave.Tests.Sdk.Sealing;

/// <summary>Lobbies with many rows or many members, on the real server.</summary>
public sealed class LongLobbyTests(PostgresCluster postgres) : IDisposable
{
    static readonly Limits Unhurried = TestServer.Unhurried with
    {
        SealedRowsPerSecond = int.MaxValue / 2,
        RosterChangesPerMinute = int.MaxValue / 2,
    };

    readonly string _folder = Directory.CreateTempSubdirectory("conclave-state-").FullName;

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Secret_or_file_in_a_long_lobby_is_found_by_an_index_without_reading_the_log()
    {
        await using var server = await TestServer.StartAsync(postgres, Unhurried);
        await using var alice = await SealingUser.SignUpAsync(server, "alice");
        using var den = await SealedDen.CreateAsync(alice, "den");
        var plan = RandomNumberGenerator.GetBytes((512 * 1024) + 1);
        await using (var writer = await ClientAsync(server, alice, "desk"))
        {
            await writer.Secrets.SetAsync("den", "old", "kept from the beginning", cancellationToken: Cancel);
            await writer.Secrets.SetAsync("den", "new", "one", cancellationToken: Cancel);
            await writer.Files.PutAsync("den", "plan", "image/png", new MemoryStream(plan), Cancel);
            await FillAsync(writer, 700);
            // The last index, which is none yet, is more than 512 rows old now.
            await writer.Secrets.SetAsync("den", "other", "x", cancellationToken: Cancel);
            await FillAsync(writer, 500);
            await writer.Secrets.SetAsync("den", "new", "two", cancellationToken: Cancel);
        }

        await using var reader = await ClientAsync(server, alice, "phone");
        var old = await reader.Secrets.GetAsync("den", "old", Cancel);
        var changed = await reader.Secrets.GetAsync("den", "new", Cancel);

        Assert.Equal(("kept from the beginning", 2), (old?.Value, old?.Seq));
        Assert.Equal("two", changed?.Value);
        using var back = new MemoryStream();
        Assert.Equal(plan.Length, (await reader.Files.GetAsync("den", "plan", back, Cancel))?.Size);
        Assert.Equal(plan, back.ToArray());
        // What is said of the past is not confirmed: nobody else has written here.
        Assert.Equal(Verdict.Unconfirmed, old?.Verdict);
        var code = await reader.Trust.LobbyCodeAsync("den", Cancel);
        Assert.False(code.IsConfirmed);
        // What no index names may be there all the same. Whoever wants all of the log reads it, and then it is verified
        // from the first row on.
        Assert.Null(await reader.Secrets.GetAsync("den", "none", Cancel));
        Assert.Equal(3, (await reader.Secrets.ListAsync("den", Cancel)).Count);
        Assert.True((await reader.Trust.LobbyCodeAsync("den", Cancel)).IsConfirmed);
    }

    /// <summary>The goal is 3 s cold and 0.3 s warm on 2 cores; run by hand, since it takes long to prepare.</summary>
    [Fact(Explicit = true)]
    public async Task Lobby_of_10000_entries_opens_in_its_time()
    {
        await using var server = await TestServer.StartAsync(postgres, Unhurried);
        await using var alice = await SealingUser.SignUpAsync(server, "alice");
        using var den = await SealedDen.CreateAsync(alice, "den");
        await using (var writer = await ClientAsync(server, alice, "desk"))
            await FillAsync(writer, 10_000);

        foreach (var (name, limit) in (IEnumerable<(string, double)>)[("cold", 3), ("warm", 0.3), ("warm", 0.3)])
        {
            // Signing in is another matter: its password costs the server what it is to cost.
            await using var reader = await ClientAsync(server, alice, "phone");
            await reader.ConnectAsync(Cancel);
            var clock = Stopwatch.StartNew();
            await using var subscription = await reader.SubscribeAsync("den", Position.Start, Cancel);
            var entries = await subscription.ReadAllAsync(Cancel).Take(10_001).ToListAsync(Cancel);
            var seconds = clock.Elapsed.TotalSeconds;

            TestContext.Current.SendDiagnosticMessage($"{name}: {seconds:0.000} s");
            Console.WriteLine($"{name}: {seconds:0.000} s");
            Assert.All(entries, entry => Assert.Equal(Verdict.Verified, entry.Verdict));
            Assert.InRange(seconds, 0, 2 * limit);
        }
    }

    /// <summary>The goal is 0.3 s on 2 cores, beyond what the program takes to say its version.</summary>
    [Fact(Explicit = true)]
    public async Task Program_shows_a_kept_lobby_of_10000_entries_in_its_time()
    {
        await using var server = await TestServer.StartAsync(postgres, Unhurried);
        using var transcript = new CommandLine(server.Url);
        await transcript.EnterAsync("alice");
        await transcript.DoAsync("alice", 0, "lobby", "create", "den");
        var options = ConclaveOptions.Default with { Server = server.Url, StateFolder = transcript.StateOf("alice") };
        await using (var writer = new ConclaveClient(options))
        {
            await writer.SignInAsync("alice", "password of alice", Cancel);
            await FillAsync(writer, 10_000);
        }
        List<double> bare = [];
        List<double> whole = [];
        for (var round = 0; round < 7; round++)
        {
            bare.Add(await SecondsAsync("--version"));
            whole.Add(await SecondsAsync("history", "den"));
        }
        var seconds = whole.Order().ElementAt(3) - bare.Order().ElementAt(3);
        Console.WriteLine($"bare {bare.Order().ElementAt(3):0.000} s, history beyond it {seconds:0.000} s");
        Assert.InRange(seconds, 0, 0.6);

        async Task<double> SecondsAsync(params string[] words)
        {
            var clock = Stopwatch.StartNew();
            await transcript.DoAsync("alice", 0, words);
            return clock.Elapsed.TotalSeconds;
        }
    }

    /// <summary>The goal is 2 s on 2 cores.</summary>
    [Fact(Explicit = true)]
    public async Task Removal_from_a_lobby_of_500_has_a_new_key_in_its_time()
    {
        await using var server = await TestServer.StartAsync(postgres, Unhurried);
        await using var alice = await SealingUser.SignUpAsync(server, "alice");
        using var den = await SealedDen.CreateAsync(alice, "den");
        SealingUser? last = null;
        for (var number = 1; number < RosterState.MembersMax; number++)
        {
            last = await SealingUser.SignUpAsync(server, $"member{number}");
            await den.ChangeAsync(alice, den.Invitation(alice, last, MemberRights.Read));
            await last.Client.DisposeAsync();
        }
        await using var client = await ClientAsync(server, alice, "desk");
        Assert.Equal(500, (await client.Lobbies.RosterAsync("den", Cancel)).Members.Count);

        var clock = Stopwatch.StartNew();
        await client.Lobbies.RemoveMemberAsync("den", last!.Token, cancellationToken: Cancel);
        var seconds = clock.Elapsed.TotalSeconds;

        Console.WriteLine($"removal and rotation: {seconds:0.000} s");
        Assert.False((await client.Lobbies.RosterAsync("den", Cancel)).IsRotationDue);
        Assert.InRange(seconds, 0, 4);
    }

    static async Task FillAsync(ConclaveClient writer, int rows)
    {
        for (var done = 0; done < rows; done += 100)
        {
            await Task.WhenAll(Enumerable.Range(done, Math.Min(100, rows - done)).Select(
                number => writer.PostAsync("den", $"entry {number}", cancellationToken: Cancel)));
        }
    }

    // A user who signed in with random bytes for a password: the vault is none, and the identity is put here by hand.
    async Task<ConclaveClient> ClientAsync(TestServer server, SealingUser user, string device)
    {
        var options = ConclaveOptions.Default with
        {
            Server = server.Url,
            StateFolder = Path.Combine(_folder, device),
        };
        using (var session = SealedSession.Open(new Link(options), options, user.Login))
        {
            var seed = new byte[Identity.SeedBytes];
            user.Identity.ExportSeed(seed);
            session.Enter(Identity.FromSeed(user.Login, seed), user.Token, KdfParameters.Create());
        }
        var client = new ConclaveClient(options);
        var reply = await user.SignInAsync();
        client.UseToken(reply["token"]!.GetValue<string>(), user.Login);
        return client;
    }
}
