using System.Numerics;
using Conclave.Roster;
using Conclave.Tests.Support;

namespace Conclave.Tests.Roster;

public sealed class IdentityRecordTests
{
    // The order of Ed25519's base point (RFC 8032, section 5.1).
    static readonly BigInteger Order =
        BigInteger.Pow(2, 252) + ((BigInteger)0x14def9dea2f79cd6 << 64) + 0x5812631a5cf5d3ed;

    static readonly IdentityRecord Alice = SealingVectors.People["alice"].Record;

    [Fact]
    public void Record_with_any_byte_altered_is_bad_identity() => Assert.All(
        Tampering.Of(Alice.Bytes.ToArray()),
        record =>
        {
            Assert.Equal(Verdict.BadIdentity, IdentityRecord.Accept("alice", record, out var accepted));
            Assert.Null(accepted);
        });

    [Fact]
    public void Succession_with_any_byte_altered_is_bad_identity()
    {
        var vector = SealingVectors.All("succession");
        var (old, next) = (SealingVectors.People["carol"].Record, SealingVectors.People["carol2"].Record);

        Assert.All(
            Tampering.Of(vector.Bytes("sig")),
            signature => Assert.Equal(Verdict.BadIdentity, old.CheckSuccession(next, signature)));
        Assert.Equal(Verdict.BadIdentity, next.CheckSuccession(old, vector.Bytes("sig")));
    }

    [Fact]
    public void Signature_has_no_second_spelling()
    {
        var record = Alice.Bytes.ToArray();
        var s = new BigInteger(record.AsSpan(^32), isUnsigned: true);
        Assert.True((s + Order).TryWriteBytes(record.AsSpan(^32), out var written, isUnsigned: true));
        Assert.Equal(32, written);

        Assert.Equal(Verdict.BadIdentity, IdentityRecord.Accept("alice", record, out _));
    }

    // With such a key everything verifies: the neutral element's signature is R = S = 0 in the same sense.
    [Theory]
    [InlineData("0100000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000080")]
    [InlineData("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    public void Key_of_small_order_signs_nothing(string point)
    {
        var key = Convert.FromHexString(point);
        byte[] signature = [.. key, .. new byte[32]];

        Assert.False(Signature.Verify(key, "message"u8, signature));
    }

    [Theory]
    [InlineData("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", false)]
    [InlineData("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", false)]
    [InlineData("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", false)]
    [InlineData("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", true)]
    [InlineData("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7e", true)]
    [InlineData("edfffffffffffffffffffffffffffffffffeffffffffffffffffffffffffff7f", true)]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000", true)]
    public void Point_is_canonical_below_the_prime(string point, bool isCanonical) =>
        Assert.Equal(isCanonical, Signature.IsCanonicalPoint(Convert.FromHexString(point)));

    [Fact]
    public void Point_that_is_not_canonical_is_refused_before_anything_is_computed()
    {
        var signature = Alice.Bytes[^64..].ToArray();
        Convert.FromHexString("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f").CopyTo(signature, 0);

        Assert.False(Signature.Verify(Alice.SignKey, "message"u8, signature));
    }

    [Fact]
    public void Login_must_be_text()
    {
        Assert.ThrowsAny<ArgumentException>(() => IdentityRecord.Accept("\ud800", Alice.Bytes, out _));
        Assert.Throws<ArgumentNullException>(() => IdentityRecord.Accept(null!, Alice.Bytes, out _));
    }
}
