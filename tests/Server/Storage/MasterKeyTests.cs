using System.Security.Cryptography;
using Conclave.Server.Storage;

namespace Conclave.Tests.Server.Storage;

public sealed class MasterKeyTests
{
    static readonly Guid Lobby = new("11111111-2222-4333-8444-555555555555");

    [Fact]
    public void Wrapped_lobby_key_opens_to_the_same_key()
    {
        using var master = NewMasterKey();
        var wrapped = master.WrapNewLobbyKey(Lobby, out var key);
        var again = master.UnwrapLobbyKey(Lobby, wrapped);

        AssertSameKey(key, again);
        Assert.Equal(MasterKey.WrappedBytes, wrapped.Length);
    }

    [Fact]
    public void Every_lobby_has_a_key_of_its_own()
    {
        using var master = NewMasterKey();
        master.WrapNewLobbyKey(Lobby, out var one);
        master.WrapNewLobbyKey(Lobby, out var other);
        var stored = one.Encrypt(Lobby, Lobby, Lobby, "body"u8);

        Assert.False(other.TryDecrypt(Lobby, Lobby, Lobby, stored, new byte[4]));
    }

    [Fact]
    public void Every_altered_bit_of_a_wrapped_key_is_refused()
    {
        using var master = NewMasterKey();
        var wrapped = master.WrapNewLobbyKey(Lobby, out _);
        for (var bit = 0; bit < wrapped.Length * 8; bit++)
        {
            var altered = wrapped.ToArray();
            altered[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Throws<CryptographicException>(() => master.UnwrapLobbyKey(Lobby, altered));
        }
    }

    [Fact]
    public void Wrapped_key_of_another_size_lobby_or_master_key_is_refused()
    {
        using var master = NewMasterKey();
        using var other = NewMasterKey();
        var wrapped = master.WrapNewLobbyKey(Lobby, out _);

        Assert.Throws<CryptographicException>(() => master.UnwrapLobbyKey(Lobby, wrapped.AsSpan(1)));
        Assert.Throws<CryptographicException>(() => master.UnwrapLobbyKey(Lobby, wrapped.AsSpan(0, 72)));
        Assert.Throws<CryptographicException>(() => master.UnwrapLobbyKey(Lobby, [.. wrapped, 0]));
        Assert.Throws<CryptographicException>(() => master.UnwrapLobbyKey(Lobby, []));
        Assert.Throws<CryptographicException>(() => master.UnwrapLobbyKey(Guid.NewGuid(), wrapped));
        Assert.Throws<CryptographicException>(() => other.UnwrapLobbyKey(Lobby, wrapped));
    }

    [Fact]
    public void Key_of_an_older_server_still_opens()
    {
        // Made once by this code: a change of the form needs a new version, not a new vector.
        using var master = new MasterKey([.. Enumerable.Range(0, 32).Select(i => (byte)i)]);
        var key = master.UnwrapLobbyKey(Lobby, Convert.FromHexString(
            "0182467aee7e9d35b3bcf7dbac5df842c76d4a8d51ad4bb3006170b9ed4a1a5d24c75ee5979e874f97"
            + "f3f2e841ab3756977cd9cd075619d50cce9c8815c3188b90557579873afbc922"));
        var stored = Convert.FromHexString(
            "0157d1c1064457bd6ee89f2bc5abf9fe8b4550505629037c52539b6691ff458ab1c4443259096e795ef2c2018e");
        var plaintext = new byte[LobbyKey.PlaintextSize(stored.Length)];

        Assert.Equal("4c2c5fd79aee24da", master.Id);
        Assert.True(key.TryDecrypt(Lobby, Lobby, Lobby, stored, plaintext));
        Assert.Equal("body"u8, plaintext);
    }

    [Fact]
    public void Id_tells_keys_apart_and_stays_the_same()
    {
        var bytes = RandomNumberGenerator.GetBytes(32);
        using var one = new MasterKey(bytes);
        using var same = new MasterKey(bytes);
        using var other = NewMasterKey();

        Assert.Equal(one.Id, same.Id);
        Assert.NotEqual(one.Id, other.Id);
        Assert.Matches("^[0-9a-f]{16}$", one.Id);
        Assert.DoesNotContain(one.Id, Convert.ToHexStringLower(bytes), StringComparison.Ordinal);
    }

    [Fact]
    public void Disposed_key_wraps_and_opens_nothing_more()
    {
        var master = NewMasterKey();
        var wrapped = master.WrapNewLobbyKey(Lobby, out _);
        master.Dispose();

        Assert.Throws<ObjectDisposedException>(() => master.WrapNewLobbyKey(Lobby, out _));
        Assert.Throws<ObjectDisposedException>(() => master.UnwrapLobbyKey(Lobby, wrapped));
    }

    [Fact]
    public void Text_of_a_key_is_its_type_name()
    {
        using var master = NewMasterKey();

        Assert.Equal("MasterKey", $"{master}");
    }

    static MasterKey NewMasterKey() => new(RandomNumberGenerator.GetBytes(MasterKey.KeyBytes));

    static void AssertSameKey(LobbyKey one, LobbyKey other)
    {
        var stored = one.Encrypt(Lobby, Lobby, Lobby, "body"u8);
        var plaintext = new byte[4];

        Assert.True(other.TryDecrypt(Lobby, Lobby, Lobby, stored, plaintext));
        Assert.Equal("body"u8, plaintext);
    }
}
