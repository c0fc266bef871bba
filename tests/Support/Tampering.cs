namespace Conclave.Tests.Support;

/// <summary>
/// What an attacker who cannot compute does to bytes. Always the same, so that a failure can be seen again.
/// </summary>
static class Tampering
{
    /// <summary>Each byte altered once, the last one cut off, one more behind, and nothing at all.</summary>
    public static IEnumerable<byte[]> Of(byte[] bytes)
    {
        var random = new Random(bytes.Length);
        for (var index = 0; index < bytes.Length; index++)
        {
            var altered = bytes.ToArray();
            altered[index] ^= (byte)random.Next(1, 256);
            yield return altered;
        }

        yield return bytes[..^1];
        yield return [.. bytes, 0];
        yield return [];
    }

    /// <summary>
    /// Random changes: bytes altered, cut out, doubled; parts of others put in; or nothing but noise.
    /// </summary>
    public static IEnumerable<byte[]> Mutations(byte[][] seeds, int count)
    {
        var random = new Random(count);
        for (var number = 0; number < count; number++)
        {
            var bytes = seeds[random.Next(seeds.Length)].ToList();
            for (var times = random.Next(1, 5); times > 0; times--)
            {
                Mutate(bytes, seeds[random.Next(seeds.Length)], random);
            }

            yield return [.. bytes];
        }
    }

    static void Mutate(List<byte> bytes, byte[] other, Random random)
    {
        var start = random.Next(bytes.Count + 1);
        var length = random.Next(Math.Min(8, bytes.Count - start) + 1);
        switch (random.Next(6))
        {
            case 0:
                bytes.RemoveRange(start, length);
                break;
            case 1:
                bytes.InsertRange(start, bytes.GetRange(start, length));
                break;
            case 2:
                bytes.InsertRange(start, other[..random.Next(other.Length + 1)]);
                break;
            case 3:
                bytes.RemoveRange(start, bytes.Count - start);
                break;
            default:
                for (var index = start; index < start + length; index++)
                {
                    bytes[index] = random.Next(3) == 0 ? (byte)0 : (byte)random.Next(256);
                }

                break;
        }
    }
}
