using Conclave.Client;
using Conclave.Client.Texts;

namespace Conclave.Tests.Client;

public sealed class SessionStoreTests : IDisposable
{
    static readonly Uri Server = new("http://127.0.0.1:7720");

    readonly string _folder = Path.Combine(Path.GetTempPath(), "conclave-" + Guid.NewGuid().ToString("N"), "config");

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_folder)!, recursive: true);

    SessionStore Store => new(_folder, English.Language);

    [Fact]
    public void Session_is_for_its_owner_alone()
    {
        Keep("alice", Server);
        var file = Assert.Single(Directory.GetFiles(_folder));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(_folder));
    }

    [Fact]
    public void Session_is_replaced_and_forgotten_for_its_server_only()
    {
        var other = new Uri("https://conclave.example");
        Keep("alice", Server);
        Keep("bob", other);
        Keep("carol", Server);
        Assert.Equal("carol", Store.Find(Server)!.Login);
        Assert.Equal("bob", Store.Find(other)!.Login);
        Store.Forget(Server);
        Assert.Null(Store.Find(Server));
        Assert.Equal([other.AbsoluteUri], Store.Servers());
    }

    [Fact]
    public void Session_that_others_can_read_is_refused_but_can_be_ended()
    {
        Keep("alice", Server);
        var file = Assert.Single(Directory.GetFiles(_folder));
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        var refused = Assert.Throws<ClientException>(() => Store.Find(Server));
        Assert.Contains(file, refused.Message, StringComparison.Ordinal);
        Assert.Equal("alice", Store.FindToEnd(Server)!.Login);
    }

    [Fact]
    public void Session_that_cannot_be_understood_is_named()
    {
        Keep("alice", Server);
        var file = Assert.Single(Directory.GetFiles(_folder));
        File.WriteAllText(file, "{");
        var refused = Assert.Throws<ClientException>(() => Store.Find(Server));
        Assert.Contains(file, refused.Message, StringComparison.Ordinal);
    }

    void Keep(string login, Uri server) => Store.Keep(SessionOf(login, server));

    static Session SessionOf(string login, Uri server) =>
        new() { Server = server.AbsoluteUri, Login = login, Token = "secret of " + login };
}
