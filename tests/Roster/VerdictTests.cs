using Conclave.Roster;

namespace Conclave.Tests.Roster;

public sealed class VerdictTests
{
    // docs/sealing.md, section 7.1, to the letter.
    const string Codes =
        "bad_encoding bad_identity bad_vault weak_kdf bad_entry wrong_lobby roster_conflict not_a_member forbidden "
        + "already_member last_admin bad_signature bad_wrap bad_wraps bad_key bad_box no_key bad_envelope stale_roster "
        + "stale_key stale_transcript fork replay bad_content limit plain_account";

    [Fact]
    public void Every_error_has_the_name_it_has_on_the_wire() => Assert.Equal(
        Codes.Split(' ').Order(),
        Enum.GetValues<Verdict>().Except([Verdict.Unjudged, Verdict.Accepted]).Select(VerdictCode.Of).Order());

    [Theory]
    [InlineData(Verdict.Unjudged)]
    [InlineData(Verdict.Accepted)]
    [InlineData((Verdict)99)]
    public void What_is_no_error_has_no_code(Verdict verdict) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => VerdictCode.Of(verdict));

    [Fact]
    public void Digest_is_its_32_bytes()
    {
        var digest = Transcript.RowHash("row"u8);

        Assert.True(Digest.TryParse(digest.ToString(), out var parsed));
        Assert.Equal(digest, parsed);
        Assert.True(digest == parsed && !(digest != parsed) && digest.Equals((object)parsed));
        Assert.Equal(digest.GetHashCode(), parsed.GetHashCode());
        Assert.False(Digest.TryParse(digest.ToString().AsSpan(1), out _));
        Assert.False(Digest.TryParse("AA", out var none));
        Assert.Equal(default, none);
        Assert.True(default(Digest) < digest && digest > default(Digest) && digest >= parsed && digest <= parsed);
        Assert.Throws<ArgumentException>(() => new Digest(new byte[31]));
    }
}
