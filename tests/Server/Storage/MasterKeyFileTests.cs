using System.Buffers.Text;
using System.Security.Cryptography;
using Conclave.Server.Storage;

namespace Conclave.Tests.Server.Storage;

public sealed class MasterKeyFileTests : IDisposable
{
    const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    readonly string _folder = Directory.CreateTempSubdirectory("conclave-key-").FullName;

    string KeyPath => Path.Combine(_folder, "master.key");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void First_start_makes_a_key_that_only_its_owner_reads_and_the_next_start_reads_it()
    {
        using var made = MasterKeyFile.LoadOrCreate(KeyPath, mayCreate: true);
        using var read = MasterKeyFile.LoadOrCreate(KeyPath, mayCreate: false);

        Assert.Equal(made.Id, read.Id);
        Assert.Equal(OwnerOnly, File.GetUnixFileMode(KeyPath));
        Assert.Matches("^[A-Za-z0-9_-]{43}\n$", File.ReadAllText(KeyPath));
        Assert.Equal([KeyPath], Directory.GetFiles(_folder));
    }

    [Fact]
    public async Task Servers_that_start_together_agree_on_one_key()
    {
        var ids = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(() =>
        {
            using var key = MasterKeyFile.LoadOrCreate(KeyPath, mayCreate: true);
            return key.Id;
        })));

        Assert.Single(ids.Distinct());
        Assert.Equal([KeyPath], Directory.GetFiles(_folder));
    }

    [Fact]
    public void Missing_key_beside_a_database_with_data_is_named_and_not_replaced()
    {
        var refusal = Assert.Throws<StartupException>(() => MasterKeyFile.LoadOrCreate(KeyPath, mayCreate: false));

        Assert.Contains(KeyPath, refusal.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(KeyPath));
    }

    [Theory]
    [InlineData(UnixFileMode.GroupRead)]
    [InlineData(UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.GroupWrite)]
    [InlineData(UnixFileMode.OtherWrite)]
    public void Key_that_others_may_touch_is_refused(UnixFileMode more)
    {
        using var made = MasterKeyFile.LoadOrCreate(KeyPath, mayCreate: true);
        File.SetUnixFileMode(KeyPath, OwnerOnly | more);

        var refusal = Assert.Throws<StartupException>(() => MasterKeyFile.LoadOrCreate(KeyPath, mayCreate: true));

        Assert.Contains("chmod 600", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData("\r\n")]
    public void Line_end_does_not_matter(string end)
    {
        var bytes = RandomNumberGenerator.GetBytes(32);
        using var expected = new MasterKey(bytes);
        Write(Base64Url.EncodeToString(bytes) + end);
        File.SetUnixFileMode(KeyPath, UnixFileMode.UserRead);

        using var read = MasterKeyFile.LoadOrCreate(KeyPath, mayCreate: false);

        Assert.Equal(expected.Id, read.Id);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAA AAAAAAAAAAAAAAAAAAAAA")]
    [InlineData(" AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("AAAAAAAAAAAAAAAAAAAA+AAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\nAAAA")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n\n\n\n\nAAAA")]
    [InlineData("ключ")]
    public void Malformed_key_is_refused_and_left_as_it_is(string text)
    {
        Write(text);

        var refusal = Assert.Throws<StartupException>(() => MasterKeyFile.LoadOrCreate(KeyPath, mayCreate: true));

        Assert.Contains(KeyPath, refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("AAAA", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(text, File.ReadAllText(KeyPath));
    }

    [Fact]
    public void Folder_that_is_missing_or_stands_in_the_way_is_named()
    {
        var missing = Path.Combine(_folder, "missing", "master.key");

        Assert.Contains(missing, Refusal(missing), StringComparison.Ordinal);
        Assert.Contains(_folder, Refusal(_folder), StringComparison.Ordinal);
    }

    static string Refusal(string path) =>
        Assert.Throws<StartupException>(() => MasterKeyFile.LoadOrCreate(path, mayCreate: true)).Message;

    void Write(string text)
    {
        File.WriteAllText(KeyPath, text);
        File.SetUnixFileMode(KeyPath, OwnerOnly);
    }
}
