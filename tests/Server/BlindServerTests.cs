using System.Security.Cryptography;
using System.Text;
using Conclave.Roster;
using Conclave.Sealing;
using Conclave.Tests.Support;

namespace Conclave.Tests.Server;

/// <summary>
/// A whole story in a sealed lobby, and then nothing of it is found: not in the database's files, its write-ahead
/// log, a backup, the server's memory, its metrics, or what it says.
/// </summary>
public sealed class BlindServerTests : IDisposable
{
    const string Password = "a typed password, пятнадцать";
    const string LobbyName = "the lobby that everybody sees";

    readonly string _folder = Directory.CreateTempSubdirectory("conclave-blind-").FullName;

    readonly string _text = "what alice says " + Mark();
    readonly string _secretName = "a secret's name " + Mark();
    readonly string _secret = "a secret's value " + Mark();
    readonly string _fileName = "a file's name " + Mark();
    readonly byte[] _file = Encoding.UTF8.GetBytes("what lies in a file " + Mark());

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Server_knows_nothing_of_what_passes_through_it()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "it reads another process's memory");
        Assert.Equal(
            Verdict.Accepted,
            KdfParameters.Accept(1, new byte[16], KdfParameters.OpsMin, KdfParameters.MemMin, out var kdf));
        using var keys = PasswordKeys.Derive("alice", Password, kdf!);
        var (seed, key) = (new byte[Identity.SeedBytes], new byte[32]);
        string said;
        ByteSearch hidden, seen;
        await using (var server = await ServerProcess.StartAsync(_folder))
        {
            await using var alice = SealingUser.Stranger(await WireClient.ConnectAsync(server.Url), "alice");
            alice.Password = keys.Auth();
            await alice.Client.DoAsync(alice.Registration(
                vault: Base64Text.Encode(alice.Identity.SealVault(keys.VaultKey))));
            await alice.SignInAsync();
            await using var bob = await SealingUser.SignUpAsync(server.Url, "bob");
            using var den = await SealedDen.CreateAsync(alice, LobbyName);
            await TellAsync(den, alice, bob);
            alice.Identity.ExportSeed(seed);
            den.KeyOf(1).Export(key);
            hidden = new ByteSearch(
            [
                ("the typed password", Encoding.UTF8.GetBytes(Password)), ("a seed", seed), ("a key", key),
                ("a text", Encoding.UTF8.GetBytes(_text)), ("a file", _file),
                ("a secret's name", Encoding.UTF8.GetBytes(_secretName)),
                ("a secret", Encoding.UTF8.GetBytes(_secret)),
                ("a file's name", Encoding.UTF8.GetBytes(_fileName)),
            ]);
            // That the search finds what is there is seen by what everybody may see.
            seen = new ByteSearch([("the lobby's name", Encoding.UTF8.GetBytes(LobbyName))]);
            await OperatorProgram.DoAsync(_folder, "backup", Path.Combine(_folder, "backup"));
            Assert.Empty(hidden.InMemoryOf(server.Id));
            Assert.NotEmpty(seen.InMemoryOf(server.Id));
            using var http = new HttpClient();
            var metrics = await http.GetStringAsync(new Uri(server.Url, "/metrics"), Cancellation);
            Assert.Empty(hidden.In(metrics));
            await server.StopAsync();
            said = await server.SaidAsync();
        }
        Assert.Empty(hidden.In(said));
        Assert.Empty(hidden.InFiles(_folder));
        Assert.NotEmpty(seen.InFiles(_folder));
    }

    async Task TellAsync(SealedDen den, SealingUser alice, SealingUser bob)
    {
        await den.ChangeAsync(alice, den.Invitation(alice, bob));
        await bob.Client.DoAsync($$"""{"action":"subscribe",{{den.Where}},"after":0}""");
        await den.PostAsync(alice, _text);
        await den.PostAsync(alice, SecretContent.Of(_secretName, _secret).ToContent());
        var file = new FileContent(_fileName, "text/plain", (ulong)_file.Length, null);
        await den.PostAsync(bob, file.ToContent(_file));
        for (var seq = 1; seq <= 5; seq++)
            Assert.Equal(seq, (await bob.Client.EntryAsync())["seq"]!.GetValue<int>());
        await den.ChangeAsync(alice, den.Removal(alice, bob));
        await den.ChangeAsync(alice, den.Rotation(alice));
        await den.PostAsync(alice, _text);
    }

    static string Mark() => RandomNumberGenerator.GetHexString(24, lowercase: true);
}
