using Conclave.Protocol;
using Conclave.Roster;
using Conclave.Sdk.Storage;
using RowVerdict = Conclave.Roster.Verdict;

namespace Conclave.Sdk.Sealing;

/// <summary>Makes of rows that were judged what callers see, and gets what is missing for it: bytes and keys.</summary>
sealed class EntryOpener(SealedSession session, SealedLobby lobby)
{
    /// <summary>As many as the server gives at once.</summary>
    const int RowsAtOnce = 1000;

    LobbyFollower Follower => lobby.Follower;

    /// <summary>Only in turn.</summary>
    public async Task<List<Entry>> OpenAsync(
        List<KeptEntry> kept, int? bodyMax, CancellationToken cancellationToken)
    {
        if (kept.Count == 0)
            return [];
        await FillAsync(kept, bodyMax, cancellationToken).ConfigureAwait(false);
        if (lobby.Keys[lobby.Roster.Generation] is null)
            await lobby.FetchKeysAsync(session.Identity, cancellationToken).ConfigureAwait(false);
        var form = NewForm();
        var entries = form.OfAll(kept, bodyMax);
        if (!form.LacksKey || lobby.HasAskedForKeys)
            return entries;
        await lobby.FetchKeysAsync(session.Identity, cancellationToken).ConfigureAwait(false);
        return NewForm().OfAll(kept, bodyMax);
    }

    /// <summary>
    /// One message, by the word of an index. One from before the rows that are followed must chain to the place where
    /// this client entered. Null if it is gone.
    /// </summary>
    /// <exception cref="AlarmException">At its place stood something else.</exception>
    public async Task<Entry?> GlanceAsync(ulong seq, CancellationToken cancellationToken)
    {
        if (seq == 0 || seq > Follower.Log.Last.Seq)
            return null;
        if (seq > Follower.Base.Seq)
        {
            var read = await lobby.ReadAsync(seq - 1, seq + 1, 1, null, cancellationToken).ConfigureAwait(false);
            return read[0];
        }
        var wire = (await lobby.Fetch.RowsAsync(seq, 1, cancellationToken).ConfigureAwait(false))[0];
        if (!await lobby.Fetch.LeadsToAsync(wire, Follower.Base, cancellationToken).ConfigureAwait(false))
            throw lobby.Alarm(AlarmCode.Fork, wire.Seq);
        return await OpenOneAsync(wire, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>One message, wherever it stands; null if it is gone. What it is, only its hash tells.</summary>
    public async Task<Entry?> PieceAsync(ulong seq, CancellationToken cancellationToken) =>
        await OpenOneAsync(
            (await lobby.Fetch.RowsAsync(seq, 1, cancellationToken).ConfigureAwait(false))[0], cancellationToken)
            .ConfigureAwait(false);

    async Task<Entry?> OpenOneAsync(LobbyEvent wire, CancellationToken cancellationToken)
    {
        if (wire.RowData is not { IsNull: false } row)
            return null;
        var hash = Transcript.RowHash(row.Utf8.Span);
        var kept = JudgeAlone(
            new KeptEntry(
                new LogRow((ulong)wire.Seq, default, hash, null), wire.From.PublicToken, wire.SentAt, wire.ExpiresAt,
                Author: null, Fault: null, row.Utf8.Length, null),
            row.Utf8.ToArray());
        return (await OpenAsync([kept], null, cancellationToken).ConfigureAwait(false))[0];
    }

    EntryForm NewForm()
    {
        var pins = session.Pins.Fingerprints();
        return new(
            Follower, lobby.Keys,
            identity => pins.TryGetValue(identity.Login, out var pin) && pin.IsVerified
                && pin.Fingerprint == identity.Fingerprint,
            session.Options.TimeProvider.GetUtcNow());
    }

    // Large rows are not kept, and old ones not for ever: they are fetched when they are wanted, as many at once as lie
    // beside each other, and must be what they were.
    async Task FillAsync(List<KeptEntry> kept, int? bodyMax, CancellationToken cancellationToken)
    {
        for (var index = 0; index < kept.Count; index++)
        {
            if (!IsMissing(kept[index], bodyMax))
                continue;
            var (seq, count) = (kept[index].Row.Seq, 1);
            while (count < RowsAtOnce && index + count < kept.Count && IsMissing(kept[index + count], bodyMax)
                && kept[index + count].Row.Seq == seq + (ulong)count)
                count++;
            var served = await lobby.Fetch.RowsAsync(seq, count, cancellationToken).ConfigureAwait(false);
            foreach (var wire in served)
            {
                kept[index] = Fill(kept[index], wire);
                index++;
            }
            // The loop counts the last one itself.
            index--;
        }
    }

    static bool IsMissing(KeptEntry entry, int? bodyMax) =>
        entry is { RowData: null, RowBytes: > 0, Fault: null } && !(entry.RowBytes > bodyMax);

    KeptEntry Fill(KeptEntry entry, LobbyEvent served)
    {
        if (served.Gone is true || served.RowData is not { IsNull: false } row)
            return entry with { RowData = null };
        if (Transcript.RowHash(row.Utf8.Span) != entry.Row.RowHash)
            throw lobby.Alarm(AlarmCode.Fork, (long)entry.Row.Seq);
        var rowData = row.Utf8.ToArray();
        return entry.Author is null ? JudgeAlone(entry, rowData) : entry with { RowData = rowData };
    }

    // A row that was left out when the rows around it were judged. Its hash has stood in the transcript since.
    KeptEntry JudgeAlone(KeptEntry entry, byte[] rowData)
    {
        var row = SealedRow.Parse(rowData);
        var (verdict, author) = Follower.JudgeAlone(row, entry.Sender, entry.Row.Seq);
        if (verdict == RowVerdict.Accepted)
            verdict = KeptLobbies.JudgePlace(session, lobby.Id, row, author!, entry.Row.Seq);
        if (verdict == RowVerdict.Accepted)
            return entry with { RowData = rowData, Author = author!.Identity.Fingerprint };
        var fault = VerdictCode.Of(verdict);
        session.Lobbies.SetAlarm(lobby.Id, new LobbyAlarm(fault, (long)entry.Row.Seq));
        return entry with { RowData = rowData, Fault = fault };
    }
}
