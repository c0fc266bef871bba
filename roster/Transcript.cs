// Parameters
//   row_hash = H("row", row_data);  H_0 = H("transcript", lobby id)
//   H_n = H("transcript/next", H_(n-1), u64(n), sender token (16), row_hash)
namespace Conclave.Roster;

/// <summary>
/// The hash chain over a lobby's rows (docs/sealing.md, section 8). Two who have the same value at the same seq were
/// shown the same rows from the same senders in the same order.
/// </summary>
public static class Transcript
{
    /// <summary>Hash of one row's bytes; what is left of it when its content has been erased.</summary>
    public static Digest RowHash(ReadOnlySpan<byte> rowData) =>
        new LabeledTuple("row"u8, 4 + rowData.Length).Add(rowData).Hash();

    /// <summary>The value before the first row.</summary>
    public static Digest Start(Guid lobbyId) => new LabeledTuple("transcript"u8).Add(lobbyId).Hash();

    /// <summary>The value at <paramref name="seq"/>.</summary>
    /// <param name="before">The value at <paramref name="seq"/> - 1.</param>
    /// <param name="seq">1 or more.</param>
    /// <param name="sender">Public token of the row's sender, as the server says it.</param>
    /// <param name="rowHash">Hash of the row, whether it was accepted, refused or erased.</param>
    public static Digest Next(Digest before, ulong seq, Guid sender, Digest rowHash) =>
        new LabeledTuple("transcript/next"u8).Add(before).AddNumber(seq).Add(sender).Add(rowHash).Hash();
}
