using Conclave.Sealing;

namespace Conclave.Sdk.Sealing;

/// <summary>Reads a lobby's log for the secrets and files in it.</summary>
static class ShelfReader
{
    const int PageRows = 1000;

    /// <summary>
    /// Everything that counts; or, for one name in a long lobby that this client never followed, what an index leads
    /// to.
    /// </summary>
    /// <param name="client">The client.</param>
    /// <param name="sealing">What makes it a sealing client; null if it is a plain one.</param>
    /// <param name="lobby">The lobby.</param>
    /// <param name="name">The one secret or file that is wanted; null for all.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task<Shelf> ReadAsync(
        ConclaveClient client, SealedClient? sealing, LobbyRef lobby, ShelfName? name,
        CancellationToken cancellationToken)
    {
        var shelf = sealing is not null && name is not null
            ? await GlanceAsync(sealing, lobby, name, cancellationToken).ConfigureAwait(false)
            : null;
        shelf ??= await ReadAllAsync(client, lobby, cancellationToken).ConfigureAwait(false);
        // An entry that was refused may have been a version: the one before it must not pass for the newest.
        if (sealing is not null)
            await ThrowIfAlarmedAsync(sealing, lobby, cancellationToken).ConfigureAwait(false);
        return shelf;
    }

    static async Task ThrowIfAlarmedAsync(
        SealedClient sealing, LobbyRef lobby, CancellationToken cancellationToken)
    {
        var (_, opened) = await sealing.FindAsync(lobby, cancellationToken).ConfigureAwait(false);
        if (opened?.Standing is { } alarm)
            throw alarm;
    }

    static async Task<Shelf> ReadAllAsync(ConclaveClient client, LobbyRef lobby, CancellationToken cancellationToken)
    {
        var shelf = new Shelf();
        var last = 0L;
        HistoryPage page;
        do
        {
            page = await client.HistoryAsync(lobby, after: last, limit: PageRows, cancellationToken: cancellationToken)
                .ConfigureAwait(false);
            // Or the server of a plain lobby could send the same page for ever.
            if (page.Entries is [.., var end] && end.Seq <= last)
                throw new BrokenServerException("it does not send the entries that were asked for");
            foreach (var entry in page.Entries)
                shelf.Add(entry);
            last = page.Entries is [.., var newest] ? newest.Seq : last;
        }
        while (page.More && page.Entries.Count > 0);
        return shelf;
    }

    // Null: there is no index that helps, and the whole log has to be read.
    static async Task<Shelf?> GlanceAsync(
        SealedClient sealing, LobbyRef lobby, ShelfName name, CancellationToken cancellationToken)
    {
        var session = await sealing.SessionAsync(cancellationToken).ConfigureAwait(false);
        var id = lobby.Id ?? await SealedNames.ServedAsync(session, lobby, cancellationToken).ConfigureAwait(false);
        if (!SealedNames.IsSealed(id))
            return null;
        // Set before anything opens the lobby: to check its name opens it too.
        session.Lobby(id).IsGlance = session.Lobbies.Find(id) is null;
        var (_, opened) = await sealing.FindAsync(lobby, cancellationToken).ConfigureAwait(false);
        return opened is null ? null : await opened.InTurnAsync(async () =>
        {
            await opened.CatchUpAsync(cancellationToken).ConfigureAwait(false);
            opened.IsGlance = false;
            var start = opened.Follower.Base.Seq;
            if (start == 0)
                return null;
            var entries = await opened.ReadAsync(start, ulong.MaxValue, int.MaxValue, Limit, cancellationToken)
                .ConfigureAwait(false);
            // What an index leaves out may be there all the same: some member made it, and nobody has verified it.
            if (NewestIndex(entries) is not { } index || index.Through < start
                || !(name.IsFile ? index.Files : index.Secrets).TryGetValue(name.Text, out var place) || place == 0)
                return null;
            var shelf = new Shelf { IsPartial = true };
            if (place <= start)
            {
                if (await opened.GlanceAsync(place, cancellationToken).ConfigureAwait(false) is not { } named)
                    return null;
                shelf.Add(named);
                if (!shelf.Has(name))
                    return null;
            }
            // What is followed is looked at, whatever the index says of it.
            foreach (var entry in entries)
                shelf.Add(entry);
            return shelf.Has(name) ? shelf : null;
        }, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// The message with a piece of a file; null if it is not there. Whether it is that piece, its hash says.
    /// </summary>
    public static async Task<Entry?> PieceAsync(
        ConclaveClient client, SealedClient? sealing, LobbyRef lobby, (Guid Id, Entry File) piece,
        CancellationToken cancellationToken)
    {
        if (sealing is null
            || await sealing.FindAsync(lobby, cancellationToken).ConfigureAwait(false) is not (_, { } opened))
            return await PlainPieceAsync(client, lobby, piece, cancellationToken).ConfigureAwait(false);
        var (id, file) = piece;
        return await opened.InTurnAsync(async () =>
        {
            if (await opened.FindBeforeAsync((ulong)file.Seq, file.From.PublicToken, id, cancellationToken)
                .ConfigureAwait(false) is not (> 0 and var seq))
                return null;
            var entry = seq <= opened.Follower.Base.Seq
                ? await opened.PieceAsync(seq, cancellationToken).ConfigureAwait(false)
                : (await opened.ReadAsync(seq - 1, seq + 1, 1, null, cancellationToken).ConfigureAwait(false))
                    .FirstOrDefault();
            return entry?.Nonce == id && entry.From == file.From ? entry : null;
        }, cancellationToken).ConfigureAwait(false);
    }

    static async Task<Entry?> PlainPieceAsync(
        ConclaveClient client, LobbyRef lobby, (Guid Id, Entry File) piece, CancellationToken cancellationToken)
    {
        // Pieces stand before the file, most often right before it.
        for (var before = piece.File.Seq; before > 1;)
        {
            var page = await client.HistoryAsync(
                lobby, before: before, limit: PageRows, bodyMax: 0, cancellationToken: cancellationToken)
                .ConfigureAwait(false);
            if (page.Entries.LastOrDefault(entry => entry.Nonce == piece.Id
                && entry.From.PublicToken == piece.File.From.PublicToken) is { } place)
            {
                var one = await client.HistoryAsync(
                    lobby, after: place.Seq - 1, limit: 1, cancellationToken: cancellationToken).ConfigureAwait(false);
                return one.Entries is [var found, ..] ? found : null;
            }
            before = page.Entries is [var first, ..] && first.Seq < before ? first.Seq : 0;
        }
        return null;
    }

    /// <summary>
    /// Spares whoever comes to the lobby for one thing to read all of it: posts an index if the last one is old.
    /// </summary>
    public static async Task IndexAsync(
        ConclaveClient client, LobbyRef lobby, Shelf shelf, CancellationToken cancellationToken)
    {
        if (shelf.LastSeq - shelf.IndexedThrough <= Shelf.IndexRows)
            return;
        if (shelf.IsPartial)
            shelf = await ReadAllAsync(client, lobby, cancellationToken).ConfigureAwait(false);
        try
        {
            using var index = shelf.ToIndex().ToContent();
            await client.PostAsync(lobby, ContentForm.ToPlain(index), cancellationToken: cancellationToken)
                .ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is ArgumentException or RefusedException)
        {
            // More names than a head holds, or a right that is missing: readers do without.
        }
    }

    // Larger rows are pieces of files, which no secret is in.
    const int Limit = 100_000;

    static IndexContent? NewestIndex(List<Entry> entries)
    {
        for (var place = entries.Count - 1; place >= 0; place--)
        {
            if (entries[place].Content is not { Type: "index" } plain)
                continue;
            using var content = ContentForm.ToSealed(plain);
            if (IndexContent.TryRead(content, out var index) && index.Through < (ulong)entries[place].Seq)
                return index;
        }
        return null;
    }
}
