using System.Diagnostics;
using Conclave.Roster;
using Conclave.Sealing;

namespace Conclave.Tests.Sealing;

public sealed class PasswordKeysTests
{
    static readonly KdfParameters Zeros = Parameters(0);

    [Fact]
    public void One_password_in_any_spelling_gives_one_key() =>
        Assert.Equal(Auth("erin", "cafe\u0301", Zeros), Auth("erin", "caf\u00e9", Zeros));

    [Fact]
    public void Login_salt_and_password_all_count()
    {
        string[] keys =
        [
            Auth("erin", "correct horse", Zeros),
            Auth("eric", "correct horse", Zeros),
            Auth("erin", "correct horsf", Zeros),
            Auth("erin", "correct horse", Parameters(1)),
        ];

        Assert.Equal(keys.Length, keys.Distinct().Count());
        Assert.All(keys, key => Assert.Equal(43, key.Length));
    }

    [Fact]
    public void Half_a_surrogate_pair_is_no_password() =>
        Assert.ThrowsAny<ArgumentException>(() => PasswordKeys.Derive("erin", "\ud83d", Zeros));

    // Whether text is normalised is decided when a process starts, so this test runs itself in one where it is not.
    [Fact]
    public void Password_beyond_ascii_is_refused_where_nothing_is_normalised()
    {
        if (!string.Equals("e\u0301".Normalize(), "\u00e9", StringComparison.Ordinal))
        {
            Assert.Throws<PlatformNotSupportedException>(() => Auth("erin", "caf\u00e9", Zeros));
            Assert.Equal(43, Auth("erin", "cafe", Zeros).Length);
            return;
        }

        const string Itself = nameof(Password_beyond_ascii_is_refused_where_nothing_is_normalised);
        var start = new ProcessStartInfo(Environment.ProcessPath!)
        {
            ArgumentList = { "-noLogo", "-noColor", "-method", $"{typeof(PasswordKeysTests).FullName}.{Itself}" },
            Environment = { ["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] = "1" },
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();

        Assert.True(process.ExitCode == 0 && output.Contains("Total: 1,", StringComparison.Ordinal), output);
    }

    [Fact]
    public void Empty_password_is_derived_like_any_other() => Assert.Equal(43, Auth("erin", "", Zeros).Length);

    static string Auth(string login, string password, KdfParameters kdf)
    {
        using var keys = PasswordKeys.Derive(login, password, kdf);
        return keys.Auth();
    }

    static KdfParameters Parameters(byte salt)
    {
        KdfParameters.Accept(
            1, [.. Enumerable.Repeat(salt, 16)], KdfParameters.OpsMin, KdfParameters.MemMin, out var parameters);
        return parameters!;
    }
}
