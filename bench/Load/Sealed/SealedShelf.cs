using System.Text;
using Conclave.Roster;
using Conclave.Sealing;

namespace Conclave.Bench.Load.Sealed;

/// <summary>
/// What one poster has sealed ahead, by the numbers of its posts: rows that all have the same size, the nonces that go
/// with them, and where each came to stand.
/// </summary>
sealed class SealedShelf(int user, Payload payload) : IDisposable
{
    public const int NonceBytes = 36;

    readonly Identity _identity = SealedMember.Identity(user);
    readonly byte[] _body = payload.Create(user);
    byte[][] _rows = [];
    byte[][] _nonces = [];
    long[] _seqs = [];
    long _first;

    public int User => user;

    public Guid Token { get; } = SealedMember.Token(user);

    /// <summary>The first number that is not sealed.</summary>
    public long Limit => _first + _rows.Length;

    public ReadOnlySpan<byte> Row(long number) => _rows[number - _first];

    public ReadOnlySpan<byte> Nonce(long number) => _nonces[number - _first];

    /// <summary>Notes where a post stands; all of them do, in ascending order.</summary>
    public void Place(long number, long seq) => _seqs[number - _first] = seq;

    /// <summary>
    /// Makes place for so many posts after those that were posted; what else lay there is sealed anew.
    /// </summary>
    public void Clear(int count)
    {
        _first += Placed().Count();
        (_rows, _nonces, _seqs) = (new byte[count][], new byte[count][], new long[count]);
    }

    /// <summary>Seals one post. Several may be sealed at one time.</summary>
    public byte[] Seal(int index, RosterState roster, GenerationKey key, LogPoint seen)
    {
        var body = (byte[])_body.Clone();
        Payload.SetNumber(body, _first + index);
        using var content = new TextContent(Encoding.ASCII.GetString(body.AsSpan()[1..^1])).ToContent();
        // Random, as those of all who seal: in a plain lobby the bench counts them up.
        var id = SealedMessage.NewId();
        var row = SealedMessage.Seal(
            _identity, roster, key, new Seen(seen, IsBaseUnconfirmed: false), id, content);
        _nonces[index] = Encoding.ASCII.GetBytes(id.ToString());
        return _rows[index] = row;
    }

    /// <summary>The rows that were acknowledged, with their places.</summary>
    public IEnumerable<(long Seq, Guid Sender, byte[] Row)> Placed() => _rows
        .Select((row, index) => (Seq: _seqs[index], Token, row)).TakeWhile(row => row.Seq > 0);

    public void Dispose() => _identity.Dispose();
}
