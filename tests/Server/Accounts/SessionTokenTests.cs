using System.Security.Cryptography;
using System.Text;
using Conclave.Protocol;
using Conclave.Server.Accounts;
using CsCheck;

namespace Conclave.Tests.Server.Accounts;

public sealed class SessionTokenTests
{
    [Fact]
    public void Token_is_a_uuid_of_version_4_and_never_the_same()
    {
        var tokens = Enumerable.Range(0, 1000).Select(_ => SessionToken.New()).ToHashSet();

        Assert.Equal(1000, tokens.Count);
        Assert.All(tokens, token => Assert.Matches("^.{14}4.{4}[89ab].{16}$", token.ToString()));
    }

    [Fact]
    public void Every_other_bit_of_a_token_is_random()
    {
        var always = UInt128.MaxValue;
        var ever = UInt128.Zero;
        for (var i = 0; i < 200; i++)
        {
            var bits = UInt128.Parse(
                SessionToken.New().ToString("N"), System.Globalization.NumberStyles.HexNumber, provider: null);
            always &= bits;
            ever |= bits;
        }

        Assert.Equal(122, (int)UInt128.PopCount(ever ^ always));
    }

    [Fact]
    public void Hash_is_over_the_bytes_as_the_text_shows_them() =>
        Assert.Equal(
            SHA256.HashData(Convert.FromHexString("00112233445546678899aabbccddeeff")),
            SessionToken.Hash(new Guid("00112233-4455-4667-8899-aabbccddeeff")));

    [Fact]
    public void Either_case_is_read() => Gen.Guid.Sample(token =>
        Uuid.TryParse(Encoding.UTF8.GetBytes(token.ToString()), out var lower) && lower == token
        && Uuid.TryParse(Encoding.UTF8.GetBytes(token.ToString().ToUpperInvariant()), out var upper) && upper == token);

    [Theory]
    [InlineData("")]
    [InlineData("00112233445546678899aabbccddeeff")]
    [InlineData("{00112233-4455-4667-8899-aabbccddeeff}")]
    [InlineData(" 00112233-4455-4667-8899-aabbccddeeff")]
    [InlineData("00112233-4455-4667-8899-aabbccddeeff ")]
    [InlineData("00112233-4455-4667-8899-aabbccddeef")]
    [InlineData("00112233-4455-4667-8899-aabbccddeef ")]
    [InlineData("00112233-4455-4667-8899-aabbccddeefg")]
    [InlineData("0x112233-4455-4667-8899-aabbccddeeff")]
    [InlineData("+0112233-4455-4667-8899-aabbccddeeff")]
    [InlineData("001122334455-4667-8899-aabbccddeeff-")]
    [InlineData("00112233-4455-4667-8899-aabbccddee\u0665f")]
    public void Any_other_form_is_refused(string text) =>
        Assert.False(Uuid.TryParse(Encoding.UTF8.GetBytes(text), out _));
}
