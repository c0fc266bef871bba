using System.Buffers.Text;

namespace Conclave.Roster;

/// <summary>
/// A row of a sealed lobby, taken apart: its row_data is exactly <c>{"sealed":"…"}</c> or <c>{"roster":"…"}</c>,
/// without blanks and without other members (docs/sealing.md, sections 4 and 6). So each envelope and each entry has
/// one spelling, and the hash of the row is a hash of what it says.
/// </summary>
public sealed class SealedRow
{
    static ReadOnlySpan<byte> SealedStart => "{\"sealed\":\""u8;

    static ReadOnlySpan<byte> RosterStart => "{\"roster\":\""u8;

    static ReadOnlySpan<byte> End => "\"}"u8;

    SealedRow(Digest hash) => Hash = hash;

    /// <summary>H("row", row_data), also of a row that has no good form.</summary>
    public Digest Hash { get; }

    /// <summary>The message; null if it is none.</summary>
    public Envelope? Envelope { get; private init; }

    /// <summary>The roster entry; null if it is none, or one that does not parse.</summary>
    public RosterEntry? Entry { get; private init; }

    /// <summary>
    /// <see cref="Verdict.Accepted"/>, <see cref="Verdict.BadEnvelope"/> or <see cref="Verdict.BadEntry"/>: whether the
    /// row has the form of one. It says nothing about its truth.
    /// </summary>
    public Verdict Form { get; private init; }

    /// <summary>Takes a row apart. What has no good form gets a <see cref="Form"/> that says so.</summary>
    /// <param name="rowData">The bytes of row_data as they were sent.</param>
    public static SealedRow Parse(ReadOnlySpan<byte> rowData) => Parse(rowData, Transcript.RowHash(rowData));

    static SealedRow Parse(ReadOnlySpan<byte> rowData, Digest hash)
    {
        if (TryUnwrap(rowData, SealedStart) is { } envelopeBytes && Envelope.Parse(envelopeBytes) is { } envelope)
        {
            return new(hash) { Envelope = envelope, Form = Verdict.Accepted };
        }

        if (TryUnwrap(rowData, RosterStart) is { } entryBytes)
        {
            var form = RosterEntry.Parse(entryBytes, out var entry);
            return new(hash) { Entry = entry, Form = form };
        }

        return new(hash) { Form = Verdict.BadEnvelope };
    }

    /// <summary>
    /// Takes apart a row that was judged and kept, with its hash, by oneself: to show it again. Its hash is believed.
    /// </summary>
    /// <param name="rowData">The bytes of row_data as they were kept.</param>
    /// <param name="hash">Their hash as it was kept.</param>
    public static SealedRow ParseKept(ReadOnlySpan<byte> rowData, Digest hash) => Parse(rowData, hash);

    /// <summary>The row_data of an envelope.</summary>
    internal static byte[] AroundEnvelope(ReadOnlySpan<byte> envelope) => Wrap(SealedStart, envelope);

    /// <summary>The row_data that a roster entry stands in.</summary>
    /// <exception cref="ArgumentNullException"><paramref name="entry"/> is null.</exception>
    public static byte[] AroundEntry(RosterEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        return Wrap(RosterStart, entry.Bytes.Span);
    }

    static byte[] Wrap(ReadOnlySpan<byte> start, ReadOnlySpan<byte> bytes)
    {
        var row = new byte[start.Length + Base64Url.GetEncodedLength(bytes.Length) + End.Length];
        start.CopyTo(row);
        Base64Url.EncodeToUtf8(bytes, row.AsSpan(start.Length));
        End.CopyTo(row.AsSpan(row.Length - End.Length));
        return row;
    }

    static byte[]? TryUnwrap(ReadOnlySpan<byte> rowData, ReadOnlySpan<byte> start) =>
        rowData.Length >= start.Length + End.Length && rowData.StartsWith(start) && rowData.EndsWith(End)
        && Base64Text.TryDecode(rowData[start.Length..^End.Length], out var bytes)
            ? bytes
            : null;
}
