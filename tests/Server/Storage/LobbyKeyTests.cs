using System.Security.Cryptography;
using Conclave.Server.Storage;
using CsCheck;

namespace Conclave.Tests.Server.Storage;

public sealed class LobbyKeyTests
{
    static readonly Guid Lobby = new("11111111-2222-4333-8444-555555555555");
    static readonly Guid Author = new("66666666-7777-4888-9999-aaaaaaaaaaaa");
    static readonly Guid Nonce = new("bbbbbbbb-cccc-4ddd-8eee-ffffffffffff");

    readonly LobbyKey _key = new(RandomNumberGenerator.GetBytes(32));

    [Fact]
    public void Every_body_comes_back_as_it_was() =>
        Gen.Select(Gen.Guid, Gen.Guid, Gen.Guid, Gen.Byte.Array[0, 3000]).Sample((lobby, author, nonce, body) =>
        {
            var stored = _key.Encrypt(lobby, author, nonce, body);
            var plaintext = new byte[LobbyKey.PlaintextSize(stored.Length)];
            return stored.Length == LobbyKey.EncryptedSize(body.Length)
                && _key.TryDecrypt(lobby, author, nonce, stored, plaintext)
                && plaintext.AsSpan().SequenceEqual(body);
        });

    [Fact]
    public void Stored_form_of_an_older_server_still_opens()
    {
        // Made once by this code: a change of the form needs a new version, not a new vector.
        var key = new LobbyKey([.. Enumerable.Range(0, 32).Select(i => (byte)i)]);
        var stored = Convert.FromHexString(
            "010516544abf166ce24399581fbf8914c82aec5e2cedb3aff73521f0150385e99d2a71cb20cbcfcb94e0152147cb39bc2dbb47");
        var plaintext = new byte[LobbyKey.PlaintextSize(stored.Length)];

        Assert.True(key.TryDecrypt(Lobby, Author, Nonce, stored, plaintext));
        Assert.Equal("\"a secret\""u8, plaintext);
    }

    [Fact]
    public void Same_body_is_never_stored_twice_alike() => Assert.NotEqual(Encrypt(), Encrypt());

    [Fact]
    public void Body_does_not_stand_in_what_is_stored()
    {
        var body = RandomNumberGenerator.GetBytes(64);

        Assert.Equal(-1, _key.Encrypt(Lobby, Author, Nonce, body).AsSpan().IndexOf(body.AsSpan(0, 8)));
    }

    [Fact]
    public void Every_altered_bit_of_what_is_stored_is_refused()
    {
        var stored = Encrypt();
        for (var bit = 0; bit < stored.Length * 8; bit++)
        {
            var altered = stored.ToArray();
            altered[bit / 8] ^= (byte)(1 << (bit % 8));
            AssertRefused(_key, Lobby, Author, Nonce, altered);
        }
    }

    [Fact]
    public void Every_altered_bit_of_the_key_is_refused()
    {
        var bytes = RandomNumberGenerator.GetBytes(32);
        var stored = new LobbyKey(bytes).Encrypt(Lobby, Author, Nonce, "body"u8);
        for (var bit = 0; bit < 256; bit++)
        {
            var altered = bytes.ToArray();
            altered[bit / 8] ^= (byte)(1 << (bit % 8));
            AssertRefused(new LobbyKey(altered), Lobby, Author, Nonce, stored);
        }
    }

    [Fact]
    public void Body_of_another_lobby_author_or_nonce_is_refused()
    {
        var stored = Encrypt();
        var other = Guid.NewGuid();

        AssertRefused(_key, other, Author, Nonce, stored);
        AssertRefused(_key, Lobby, other, Nonce, stored);
        AssertRefused(_key, Lobby, Author, other, stored);
        AssertRefused(_key, Author, Lobby, Nonce, stored);
        AssertRefused(_key, Lobby, Nonce, Author, stored);
    }

    [Fact]
    public void Every_shortened_form_is_refused()
    {
        var stored = Encrypt();
        for (var length = 0; length < stored.Length; length++)
        {
            AssertRefused(_key, Lobby, Author, Nonce, stored.AsSpan(0, length));
        }

        AssertRefused(_key, Lobby, Author, Nonce, [.. stored, 0]);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public void Plaintext_buffer_of_another_size_is_refused_and_wiped(int difference)
    {
        var stored = Encrypt();
        var plaintext = new byte[LobbyKey.PlaintextSize(stored.Length) + difference];
        plaintext.AsSpan().Fill(0xAA);

        Assert.False(_key.TryDecrypt(Lobby, Author, Nonce, stored, plaintext));
        Assert.False(plaintext.AsSpan().ContainsAnyExcept((byte)0));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public void Destination_of_another_size_is_our_own_mistake(int difference) =>
        Assert.Throws<ArgumentException>(() => _key.Encrypt(
            Lobby, Author, Nonce, "body"u8, new byte[LobbyKey.EncryptedSize(4) + difference]));

    [Fact]
    public void Text_of_a_key_is_its_type_name() => Assert.Equal("LobbyKey", $"{_key}");

    byte[] Encrypt() => _key.Encrypt(Lobby, Author, Nonce, "\"a secret\""u8);

    static void AssertRefused(LobbyKey key, Guid lobby, Guid author, Guid nonce, ReadOnlySpan<byte> stored)
    {
        var plaintext = new byte[Math.Max(0, LobbyKey.PlaintextSize(stored.Length))];
        plaintext.AsSpan().Fill(0xAA);

        Assert.False(key.TryDecrypt(lobby, author, nonce, stored, plaintext));
        Assert.False(plaintext.AsSpan().ContainsAnyExcept((byte)0));
    }
}
