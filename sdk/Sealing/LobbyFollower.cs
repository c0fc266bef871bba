using Conclave.Roster;
using Conclave.Sealing;
using RowVerdict = Conclave.Roster.Verdict;
using SealedContent = Conclave.Sealing.Content;

namespace Conclave.Sdk.Sealing;

/// <summary>A row of a sealed lobby as a server gave it. Nothing of it is believed.</summary>
/// <param name="Seq">Its place.</param>
/// <param name="Sender">Public token of its sender.</param>
/// <param name="RowData">Its bytes; empty if it is gone or was left out.</param>
/// <param name="RowHash">What the server says is the hash of a row whose bytes are not there.</param>
sealed record ServedRow(ulong Seq, Guid Sender, ReadOnlyMemory<byte> RowData, Digest RowHash)
{
    public bool HasBytes => !RowData.IsEmpty;
}

/// <summary>A row that was judged in its place.</summary>
/// <param name="Row">What of it must be kept.</param>
/// <param name="Sender">Public token of its sender.</param>
/// <param name="Verdict">Accepted, or the check it failed; Unjudged if its bytes were not there.</param>
/// <param name="Author">Who signed it; null unless accepted.</param>
/// <param name="Parsed">The row taken apart; null if its bytes were not there.</param>
/// <param name="Roster">The roster after it.</param>
sealed record JudgedRow(
    LogRow Row, Guid Sender, RowVerdict Verdict, RosterMember? Author, SealedRow? Parsed, RosterState? Roster)
{
    public bool IsAlarm => Verdict is not (RowVerdict.Accepted or RowVerdict.Unjudged);
}

/// <summary>
/// Follows one sealed lobby: judges what a server says of its log, row by row (docs/sealing.md, sections 4, 6.1 and
/// 8). It knows no connection and no disk, so that a test can tell it every lie there is.
/// </summary>
sealed class LobbyFollower
{
    readonly Guid _me;

    LobbyFollower(RosterBook book, LobbyLog log, Guid me) => (Book, Log, _me) = (book, log, me);

    public RosterBook Book { get; }

    public LobbyLog Log { get; }

    /// <summary>The place before the first row that was judged here, or by an earlier run.</summary>
    public LogPoint Base { get; private init; }

    /// <summary>A lobby nothing is known of, followed from its first row.</summary>
    public static LobbyFollower Begin(Guid lobbyId, Guid me)
    {
        var log = LobbyLog.Begin(lobbyId);
        return new(new RosterBook(lobbyId), log, me) { Base = log.Last };
    }

    /// <summary>A lobby that is entered in its middle.</summary>
    /// <param name="book">The roster folded from the entries up to the base.</param>
    /// <param name="start">The base, as the server says it.</param>
    /// <param name="me">Own public token.</param>
    public static LobbyFollower Enter(RosterBook book, LogPoint start, Guid me) =>
        new(book, LobbyLog.Enter(book.State!, start, me), me) { Base = start };

    /// <summary>A lobby that was followed before.</summary>
    /// <param name="book">The roster after the last of <paramref name="rows"/>.</param>
    /// <param name="start">The first base.</param>
    /// <param name="before">The place before the first of <paramref name="rows"/>.</param>
    /// <param name="rows">The last 4,096 rows, or as many as there are.</param>
    /// <param name="isConfirmed">Whether the base was confirmed.</param>
    /// <param name="me">Own public token.</param>
    public static LobbyFollower Restore(
        RosterBook book, LogPoint start, LogPoint before, IEnumerable<LogRow> rows, bool isConfirmed, Guid me) =>
        new(book, LobbyLog.Restore(book.LobbyId, book.State, before, rows, isConfirmed, me), me) { Base = start };

    /// <summary>
    /// The fingerprint of somebody whom a row makes a member and whose identity must be fetched before it is judged;
    /// null if nobody is missing.
    /// </summary>
    public Digest? Missing(SealedRow? row) => row?.Entry is { } entry ? Book.Missing(entry) : null;

    /// <summary>Judges the row in the place after the last and takes it in, accepted or not.</summary>
    /// <exception cref="ArgumentException">It is of another place.</exception>
    public JudgedRow Take(ServedRow served, SealedRow? row)
    {
        if (served.Seq != Log.Last.Seq + 1)
            throw new ArgumentException("The row is not the next one.", nameof(served));
        if (row is null)
        {
            var gone = Log.AppendTombstone(served.Sender, served.RowHash);
            return new(gone, served.Sender, RowVerdict.Unjudged, null, null, Log.Roster);
        }
        var judgement = Log.Judge(row, served.Sender, Book.Identities);
        var kept = Log.Append(judgement);
        if (judgement is { Verdict: RowVerdict.Accepted, Row.Entry: { } entry })
            Book.Add(entry, served.Seq, judgement.Roster!);
        return new(kept, served.Sender, judgement.Verdict, judgement.Author, row, Log.Roster);
    }

    /// <summary>Whether this client is a member now, and as whom.</summary>
    public RosterMember? Self => Log.Roster?.MemberBy(_me);

    /// <summary>
    /// Judges a message without the rows around it: all checks but those of its place in the transcript, which its hash
    /// vouches for where that is known.
    /// </summary>
    /// <returns>Accepted or the check that failed, and who signed it.</returns>
    public (RowVerdict Verdict, RosterMember? Author) JudgeAlone(SealedRow row, Guid sender, ulong seq)
    {
        if (row.Envelope is not { } envelope)
            return (RowVerdict.BadEnvelope, null);
        if (Book.StateAt(envelope.RosterHead) is not { } roster || !Book.WasCurrent(envelope.RosterHead, seq))
            return (RowVerdict.StaleRoster, null);
        if (roster.MemberBy(sender) is not { } author)
            return (RowVerdict.NotAMember, null);
        return !envelope.IsSignedBy(Book.LobbyId, author.Identity) ? (RowVerdict.BadSignature, null)
            : !author.Has(MemberRights.Write) ? (RowVerdict.Forbidden, null)
            : roster.IsDirty ? (RowVerdict.StaleKey, null)
            : envelope.SeenSeq >= seq || seq - envelope.SeenSeq > LobbyLog.WindowRows
                ? (RowVerdict.StaleTranscript, null)
            : Log.HashAt(envelope.SeenSeq) is { } hash && hash != envelope.SeenHash ? (RowVerdict.Fork, null)
            : (RowVerdict.Accepted, author);
    }

    /// <summary>Opens an accepted message.</summary>
    /// <param name="envelope">The envelope.</param>
    /// <param name="author">Fingerprint of the one who signed it.</param>
    /// <param name="keys">The keys at hand.</param>
    /// <param name="content">The content, or null.</param>
    /// <returns>Accepted, NoKey, BadBox or BadContent.</returns>
    public RowVerdict Open(Envelope envelope, Digest author, KeyRing keys, out SealedContent? content)
    {
        content = null;
        return Book.Identities.TryGetValue(author, out var identity)
            ? SealedMessage.Open(
                envelope, Book.State!, identity, keys[Book.GenerationAt(envelope.RosterHead)], out content)
            : RowVerdict.NoKey;
    }
}
