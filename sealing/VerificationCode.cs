// Parameters
//   safety number = digits(H64("safety", min(a, b), max(a, b)))
//   lobby code    = digits(H64("lobby-code", lobby id, roster head, u64(seq), H_seq))
//   digits(x): for i = 0 … 11 five bytes, big-endian, modulo 100000, as five digits;
//   groups joined by one blank: 71 characters
using System.Globalization;
using Conclave.Roster;

namespace Conclave.Sealing;

/// <summary>Numbers that people compare over another channel (docs/sealing.md, section 9).</summary>
public static class VerificationCode
{
    const int Groups = 12;
    const int GroupBytes = 5;

    /// <summary>
    /// The safety number of two identities, the same from either side: 71 characters. When both see the same, nobody
    /// stands between them.
    /// </summary>
    public static string SafetyNumber(Digest one, Digest other)
    {
        var (first, second) = one <= other ? (one, other) : (other, one);
        return Digits(new LabeledTuple("safety"u8).Add(first).Add(second).Hash64());
    }

    /// <summary>
    /// The code of a lobby at one place: 71 characters. Two members who compare it at the same seq see any fork.
    /// </summary>
    /// <param name="roster">The roster after <paramref name="point"/>.</param>
    /// <param name="point">The place.</param>
    /// <exception cref="ArgumentNullException"><paramref name="roster"/> is null.</exception>
    public static string LobbyCode(RosterState roster, LogPoint point)
    {
        ArgumentNullException.ThrowIfNull(roster);
        return Digits(new LabeledTuple("lobby-code"u8)
            .Add(roster.LobbyId).Add(roster.Head).AddNumber(point.Seq).Add(point.Hash).Hash64());
    }

    static string Digits(byte[] hash) => string.Join(' ', Enumerable.Range(0, Groups).Select(index =>
    {
        var group = hash.AsSpan(GroupBytes * index, GroupBytes);
        var number = 0UL;
        foreach (var value in group)
        {
            number = (number << 8) | value;
        }

        return (number % 100_000).ToString("D5", CultureInfo.InvariantCulture);
    }));
}
