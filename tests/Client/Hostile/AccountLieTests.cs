using System.Text.Json.Nodes;
using Conclave.Client;
using Conclave.Roster;
using Conclave.Sdk;
using Conclave.Sealing;
using Conclave.Tests.Sdk.Sealing;

namespace Conclave.Tests.Client.Hostile;

/// <summary>A server that is after the password, or puts another identity in the place of one's own.</summary>
public sealed class AccountLieTests
{
    const string Password = "password of dave";

    [Fact]
    public async Task Typed_password_is_not_sent_to_a_server_that_calls_the_account_plain()
    {
        await using var den = await HostileDen.StartAsync(hasRead: false);
        den.Server.Users["dave"] = new PaperUser("dave", Guid.NewGuid()) { Auth = Password };

        await IsNotLetInAsync(den, AlarmCode.PlainAccount);
    }

    [Theory]
    [InlineData("seal")]
    [InlineData("recover")]
    public async Task Password_of_a_device_without_keys_is_not_sent_to_a_server_that_calls_the_account_plain(
        string command)
    {
        await using var den = await HostileDen.StartAsync(hasRead: false);
        den.Enter("dave");
        Directory.Delete(den.StateOf("dave"), recursive: true);
        (den.Server.Users["dave"].Identity, den.Server.Users["dave"].Auth) = (null, Password);
        var code = Path.Combine(den.EnvironmentOf("dave")["HOME"], "paper");
        await File.WriteAllTextAsync(code, new string('A', 43), TestContext.Current.CancellationToken);
        string[] words = ["account", command, "--new-password-file", code];
        if (command == "recover")
            words = [.. words, "--recovery-file", code];

        await den.RefusesAsAsync("dave", AlarmCode.PlainAccount, words);
        NothingWasTold(den);

        // Only a person can say that it is so, and then it is sent.
        Assert.Equal(ExitCode.Ok, (await den.RunAsAsync("dave", [.. words, "--plain-account"])).ExitCode);
        Assert.Equal(1, den.ChangesBy("dave"));
    }

    [Theory]
    [InlineData(1, 2, 131_072)]
    [InlineData(1, 3, 65_535)]
    [InlineData(1, int.MaxValue, int.MaxValue)]
    [InlineData(2, 3, 131_072)]
    public async Task Password_is_not_stretched_in_a_way_that_is_cheap_to_guess_or_absurdly_dear(
        int version, int ops, int mem)
    {
        await using var den = await HostileDen.StartAsync(hasRead: false);
        den.Server.Users["dave"] = new PaperUser("dave", Guid.NewGuid()) { Kdf = Kdf(version, ops, mem) };

        await IsNotLetInAsync(den, AlarmCode.WeakKdf);
    }

    [Fact]
    public async Task Password_that_was_dear_to_guess_once_does_not_become_cheaper()
    {
        await using var den = await HostileDen.StartAsync(hasRead: false);
        // Whoever is enrolled has signed in with 131,072.
        den.Server.Enrol("dave", den.StateOf("dave"));
        den.Server.Users["dave"].Kdf = Kdf(1, 3, 65_536);

        await IsNotLetInAsync(den, AlarmCode.WeakKdf);
    }

    [Theory]
    [InlineData("vault", AlarmCode.BadVault)]
    [InlineData("record", AlarmCode.BadIdentity)]
    [InlineData("both", AlarmCode.BadVault)]
    public async Task Exchanged_vault_or_record_lets_nobody_in(string what, string code)
    {
        await using var den = await HostileDen.StartAsync(hasRead: false);
        Assert.Equal(ExitCode.Ok, (await den.RunAsAsync("dave", "register", "dave")).ExitCode);
        var dave = den.Server.Users["dave"];
        using var servers = Identity.Create("dave");
        using var guess = PasswordKeys.Derive("dave", "another password", KdfParameters.Create());
        if (what is "vault" or "both")
            dave.Vault = Base64Text.Encode(servers.SealVault(guess.VaultKey));
        if (what is "record" or "both")
            dave.Identity!["record"] = Base64Text.Encode(servers.Record.Bytes);

        await den.RefusesAsAsync("dave", code, "login", "dave");

        Assert.Equal(ExitCode.NotSignedIn, (await den.RunAsAsync("dave", "history", "den")).ExitCode);
        NothingWasTold(den);
    }

    static async Task IsNotLetInAsync(HostileDen den, string code)
    {
        var before = den.Server.Requests.Count;
        await den.RefusesAsAsync("dave", code, "login", "dave");
        Assert.Equal(
            ["kdf"],
            den.Server.Requests.Skip(before).Select(request => (string?)request["action"])
                .Where(action => action != "ping"));
        NothingWasTold(den);
    }

    static void NothingWasTold(HostileDen den) => Assert.DoesNotContain(
        den.Server.Requests, request => request.ToJsonString().Contains(Password, StringComparison.Ordinal));

    static JsonObject Kdf(int version, int ops, int mem) => new()
    {
        ["v"] = version,
        ["salt"] = Base64Text.Encode(new byte[16]),
        ["ops"] = ops,
        ["mem"] = mem,
    };
}
