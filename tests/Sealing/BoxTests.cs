using Conclave.Roster;
using Conclave.Sealing;
using Conclave.Tests.Support;
using CsCheck;

namespace Conclave.Tests.Sealing;

public sealed class BoxTests
{
    static readonly byte[] Key = [.. Enumerable.Range(0, 32).Select(value => (byte)value)];

    static LabeledTuple Context => new LabeledTuple("test"u8).Add("context"u8);

    [Fact]
    public void What_was_sealed_opens() => Gen.Byte.Array[0, 600].Sample(plaintext =>
    {
        var box = Box.Seal(Key, Context, plaintext);
        var opened = new byte[plaintext.Length];
        Assert.Equal(plaintext.Length + 72, box.Length);
        Assert.True(Box.TryOpen(Key, Context, box, opened));
        Assert.Equal(plaintext, opened);
    });

    [Fact]
    public void Box_with_any_byte_altered_stays_shut_and_gives_zeros()
    {
        var box = Box.Seal(Key, Context, "the secret that nobody may see"u8);
        Assert.All(Tampering.Of(box), altered =>
        {
            var plaintext = Dirty(Math.Max(0, altered.Length - Box.OverheadBytes));
            Assert.False(Box.TryOpen(Key, Context, altered, plaintext));
            Assert.All(plaintext, value => Assert.Equal(0, value));
        });
    }

    [Fact]
    public void Box_stays_shut_under_another_key_label_or_context()
    {
        var box = Box.Seal(Key, Context, "secret"u8);
        byte[] other = [.. Key];
        other[31] ^= 1;
        var plaintext = Dirty(6);

        Assert.False(Box.TryOpen(other, Context, box, plaintext));
        Assert.False(Box.TryOpen(Key, new LabeledTuple("test2"u8).Add("context"u8), box, plaintext));
        Assert.False(Box.TryOpen(Key, new LabeledTuple("test"u8).Add("contexts"u8), box, plaintext));
        Assert.False(Box.TryOpen(Key, Context.Add([]), box, plaintext));
        Assert.Equal(new byte[6], plaintext);
    }

    // The ciphertext alone would open: only the commitment tells that the box is another's.
    [Fact]
    public void Commitment_is_checked_beside_the_tag()
    {
        var box = Box.Seal(Key, Context, "secret"u8);
        box[Box.NonceBytes] ^= 1;

        Assert.False(Box.TryOpen(Key, Context, box, new byte[6]));
    }

    [Theory]
    [InlineData(5)]
    [InlineData(7)]
    public void Output_of_another_size_gets_nothing(int size)
    {
        var plaintext = Dirty(size);

        Assert.False(Box.TryOpen(Key, Context, Box.Seal(Key, Context, "secret"u8), plaintext));
        Assert.Equal(new byte[size], plaintext);
    }

    [Fact]
    public void No_two_boxes_are_alike() =>
        Assert.NotEqual(Box.Seal(Key, Context, "secret"u8), Box.Seal(Key, Context, "secret"u8));

    static byte[] Dirty(int size) => [.. Enumerable.Repeat((byte)0xaa, size)];
}
