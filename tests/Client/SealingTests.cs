using System.Text;
using System.Text.Json.Nodes;
using Conclave.Roster;
using Conclave.Sealing;
using Conclave.Tests.Support;

namespace Conclave.Tests.Client;

/// <summary>What the program does about keys, beyond what a transcript can tell.</summary>
public sealed class SealingTests(PostgresCluster postgres)
{
    const UnixFileMode OwnersFolder = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    const UnixFileMode OwnersFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Another_key_is_an_alarm_until_a_person_accepts_it()
    {
        await using var server = await TestServer.StartAsync(postgres);
        using var transcript = new Transcript(server.Url);
        await using var bob = await SealingUser.SignUpAsync(server, "bob");
        await transcript.EnterAsync("alice");
        await transcript.DoAsync("alice", 0, "lobby", "create", "den");
        await transcript.VerifyAsync("alice", "bob");
        await transcript.DoAsync("alice", 0, "invite", "den", "bob");

        using var next = Identity.Create("bob");
        await bob.Client.DoAsync(
            $$"""
            {"action":"reset_identity","password":"{{bob.Password}}","vault":"{{SealingUser.Vault()}}",
            "identity":{"record":"{{Base64Text.Encode(next.Record.Bytes)}}"} }
            """);

        var said = await transcript.DoAsync("alice", 7, "verify", "bob");
        Assert.Contains("ALARM: the key of this user is not the one you know: bob", said, StringComparison.Ordinal);
        Assert.Contains("nothing connects the new key with the old one", said, StringComparison.Ordinal);
        await transcript.DoAsync("alice", 0, "lobby", "create", "lair");
        await transcript.DoAsync("alice", 7, "invite", "lair", "bob");
        await transcript.DoAsync("alice", 7, "send", "den", "nothing of this is sent");
        var members = await transcript.DoAsync("alice", 0, "lobby", "members", "den");
        Assert.Contains("CHANGED", members, StringComparison.Ordinal);
        await transcript.DoAsync("alice", 7, "accept-key", "bob", "--fingerprint", new string('A', 43));
        await transcript.DoAsync("alice", 2, "accept-key", "bob");
        await transcript.DoAsync(
            "alice", 0, "accept-key", "bob", "--fingerprint", next.Record.Fingerprint.ToString());
        var accepted = await transcript.DoAsync("alice", 0, "verify", "bob");
        Assert.Contains("not verified", accepted, StringComparison.Ordinal);
        await transcript.DoAsync("alice", 0, "invite", "lair", "bob");
    }

    [Fact]
    public async Task What_is_kept_is_for_its_owner_alone_and_a_state_that_others_can_read_is_refused()
    {
        await using var server = await TestServer.StartAsync(postgres);
        using var transcript = new Transcript(server.Url);
        await transcript.EnterAsync("alice");
        await transcript.DoAsync("alice", 0, "lobby", "create", "den");
        await transcript.DoAsync("alice", 0, "send", "den", "the wifi password is test123");

        var folder = transcript.StateOf("alice");
        Assert.Equal(OwnersFolder, File.GetUnixFileMode(folder));
        var files = Directory.GetFiles(folder, "*", SearchOption.AllDirectories);
        Assert.NotEmpty(files);
        Assert.All(files, file => Assert.Equal(OwnersFile, File.GetUnixFileMode(file)));
        // The password is nowhere: what is kept is the identity, and what stood in lobbies stays sealed.
        foreach (var file in files)
        {
            var bytes = await File.ReadAllBytesAsync(file, Cancellation);
            Assert.Equal(-1, bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes("password of alice")));
            Assert.Equal(-1, bytes.AsSpan().IndexOf("the wifi password is test123"u8));
        }

        File.SetUnixFileMode(files[0], OwnersFile | UnixFileMode.GroupRead);
        var said = await transcript.DoAsync("alice", 1, "history", "den");
        Assert.StartsWith("conclave: what this program keeps of sealed lobbies", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Key_is_marked_as_verified_only_by_what_was_compared()
    {
        await using var server = await TestServer.StartAsync(postgres);
        using var transcript = new Transcript(server.Url);
        await transcript.EnterAsync("alice");
        await transcript.EnterAsync("bob");

        // Seen for the first time in this very call: nobody can have compared anything.
        await transcript.DoAsync("alice", 2, "verify", "bob", "--yes");
        var mistaken = string.Join(' ', Enumerable.Repeat("12345", 12));
        var refused = await transcript.DoAsync("alice", 7, "verify", "bob", "--number", mistaken);
        Assert.Contains("not the one that you have compared", refused, StringComparison.Ordinal);
        await transcript.DoAsync("alice", 7, "verify", "bob", "--number", "");
        var hers = await transcript.DoAsync("alice", 0, "verify", "bob", "--json");
        Assert.Contains("\"verified\":false", hers, StringComparison.Ordinal);

        var his = await transcript.DoAsync("bob", 0, "verify", "alice", "--json");
        var number = JsonNode.Parse(his[his.IndexOf('{', StringComparison.Ordinal)..])!["safety_number"]!
            .GetValue<string>();
        // As the screen shows it, in two lines.
        var copied = number[..35] + "\n               " + number[36..];
        var marked = await transcript.DoAsync("alice", 0, "verify", "bob", "--number", copied, "--json");
        Assert.Contains("\"verified\":true", marked, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Script_gets_one_secret_and_nothing_else_on_standard_output()
    {
        await using var server = await TestServer.StartAsync(postgres);
        using var transcript = new Transcript(server.Url);
        await transcript.EnterAsync("alice");
        await transcript.DoAsync("alice", 0, "lobby", "create", "vault");
        // A value that would steer a terminal goes through a pipe as it is.
        using var shell = transcript.Start(
            "alice", "/bin/sh",
            [
                "-c",
                $"printf 'a\\033[31m\\n\\nb\\n' | {Transcript.Program} secret set vault token >&2 && "
                + $"{Transcript.Program} secret get vault token",
            ]);
        shell.StandardInput.Close();
        var error = shell.StandardError.ReadToEndAsync(Cancellation);
        Assert.Equal("a\u001b[31m\n\nb\n", await shell.StandardOutput.ReadToEndAsync(Cancellation));
        Assert.Equal("stored in vault as #2\n", await error);
        await shell.WaitForExitAsync(Cancellation);
        Assert.Equal(0, shell.ExitCode);
    }
}
