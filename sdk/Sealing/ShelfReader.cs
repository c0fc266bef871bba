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
    /// <param name="name">The one secret that is wanted; null for all, and for files.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task<Shelf> ReadAsync(
        ConclaveClient client, SealedClient? sealing, LobbyRef lobby, string? name, CancellationToken cancellationToken)
    {
        if (sealing is not null && name is not null
            && await GlanceAsync(sealing, lobby, name, cancellationToken).ConfigureAwait(false) is { } glanced)
            return glanced;
        var shelf = new Shelf();
        var last = 0L;
        HistoryPage page;
        do
        {
            page = await client.HistoryAsync(lobby, after: last, limit: PageRows, cancellationToken: cancellationToken)
                .ConfigureAwait(false);
            foreach (var entry in page.Entries)
                shelf.Add(entry);
            last = page.Entries is [.., var end] ? end.Seq : last;
        }
        while (page.More && page.Entries.Count > 0);
        return shelf;
    }

    // Null: there is no index that helps, and the whole log has to be read.
    static async Task<Shelf?> GlanceAsync(
        SealedClient sealing, LobbyRef lobby, string name, CancellationToken cancellationToken)
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
            if (NewestIndex(entries) is not { } index || index.Through < start)
                return null;
            var shelf = new Shelf();
            if (index.Secrets.TryGetValue(name, out var seq)
                && await opened.GlanceAsync(seq, cancellationToken).ConfigureAwait(false) is { } named)
                shelf.Add(named);
            foreach (var entry in entries.Where(entry => entry.Seq > (long)index.Through))
                shelf.Add(entry);
            return shelf;
        }, cancellationToken).ConfigureAwait(false);
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
            if (IndexContent.TryRead(content, out var index))
                return index;
        }
        return null;
    }
}
