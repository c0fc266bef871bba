using System.Runtime.InteropServices;

namespace Conclave.Roster;

/// <summary>
/// What must be kept of a judged row to judge those after it; a client stores it together with the row.
/// </summary>
/// <param name="Seq">Its place: 1, 2, 3 …</param>
/// <param name="Hash">The transcript's value at <paramref name="Seq"/>.</param>
/// <param name="RowHash">Hash of its row_data.</param>
/// <param name="Message">Sender's fingerprint and id if it is an accepted message, else null.</param>
public sealed record LogRow(ulong Seq, Digest Hash, Digest RowHash, MessageKey? Message);

/// <summary>What names a message for good, however often it is sealed again.</summary>
/// <param name="Sender">Fingerprint of the sender.</param>
/// <param name="Id">The envelope's id.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct MessageKey(Digest Sender, Guid Id);

/// <summary>A place in a lobby's log with the transcript's value there.</summary>
/// <param name="Seq">The place; 0 before the first row.</param>
/// <param name="Hash">The value at <paramref name="Seq"/>.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct LogPoint(ulong Seq, Digest Hash)
{
    /// <summary>
    /// The place after this one: so older rows, fetched later, are chained to the value already held at their end.
    /// </summary>
    /// <param name="sender">Public token of the row's sender, as the server says it.</param>
    /// <param name="rowHash">Hash of the row.</param>
    public LogPoint Next(Guid sender, Digest rowHash) =>
        new(Seq + 1, Transcript.Next(Hash, Seq + 1, sender, rowHash));
}

/// <summary>What <see cref="LobbyLog.Judge"/> says of a row in the place after the last.</summary>
/// <param name="Seq">The place it was judged for.</param>
/// <param name="Verdict">Accepted, or the first check that it failed.</param>
/// <param name="Row">The row.</param>
/// <param name="Sender">Public token of the sender, as the server says it.</param>
/// <param name="Author">The member who signed it; null unless accepted.</param>
/// <param name="Roster">The roster's state after the row; null before the lobby was created.</param>
public sealed record Judgement(
    ulong Seq, Verdict Verdict, SealedRow Row, Guid Sender, RosterMember? Author, RosterState? Roster);
