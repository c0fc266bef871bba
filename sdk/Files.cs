using System.Security.Cryptography;
using Conclave.Protocol;
using Conclave.Sdk.Sealing;
using Conclave.Sealing;

namespace Conclave.Sdk;

/// <summary>
/// Files in lobbies of either kind (docs/sealing.md, section 6.2): a small one is one message, a larger one its
/// pieces and then a message that names them. From <see cref="ConclaveClient.Files"/>; what any of the methods can
/// throw is told there.
/// </summary>
public sealed class Files
{
    // No head is longer, and pieces of files are.
    const int IndexBytesMax = 100_000;

    readonly ConclaveClient _client;
    readonly SealedClient? _sealed;

    internal Files(ConclaveClient client, SealedClient? sealing) => (_client, _sealed) = (client, sealing);

    /// <summary>Puts a file into a lobby. One of the same name is replaced by it.</summary>
    /// <param name="lobby">The lobby.</param>
    /// <param name="name">Its name for people; never used as a path here.</param>
    /// <param name="mime">Its media type, such as <c>text/plain</c>.</param>
    /// <param name="content">Read to its end.</param>
    /// <returns>The file's place in the log.</returns>
    /// <exception cref="RefusedException">
    /// <see cref="ErrorCode.TooLarge"/>: some 385 MiB are the most, less with a long name.
    /// </exception>
    public async Task<long> PutAsync(
        LobbyRef lobby, string name, string mime, Stream content, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        var piece = new byte[FileContent.ChunkBytes];
        try
        {
            var first = await ReadAsync(content, piece, cancellationToken).ConfigureAwait(false);
            if (first < piece.Length)
            {
                using var whole = new FileContent(name, mime, (ulong)first, null).ToContent(piece.AsSpan(0, first));
                return await PostLastAsync(lobby, whole, cancellationToken).ConfigureAwait(false);
            }
            if (content.CanSeek)
                ThrowIfTooLarge(name, mime, first + Math.Max(0, content.Length - content.Position));
            List<FileChunk> chunks = [];
            var size = 0UL;
            for (var count = first; count > 0;)
            {
                ThrowIfTooLarge(name, mime, (long)size + count);
                var id = SealedMessage.NewId();
                using var chunk = FileContent.Chunk(piece.AsSpan(0, count));
                chunks.Add(new FileChunk(id, Conclave.Sealing.Content.ChunkHash(piece.AsSpan(0, count))));
                size += (ulong)count;
                await PostAsync(lobby, chunk, id, cancellationToken).ConfigureAwait(false);
                count = await ReadAsync(content, piece, cancellationToken).ConfigureAwait(false);
            }
            using var file = new FileContent(name, mime, size, chunks).ToContent([]);
            return await PostLastAsync(lobby, file, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(piece);
        }
    }

    /// <summary>Writes the newest file of a name to a stream.</summary>
    /// <param name="lobby">The lobby.</param>
    /// <param name="name">The file's name.</param>
    /// <param name="destination">Takes the bytes. What was written to it when the task fails is not the file.</param>
    /// <returns>What was written; null if there is no file of this name.</returns>
    /// <exception cref="AlarmException"><see cref="AlarmCode.TornFile"/>: a piece is missing, or is not what the
    /// file names.</exception>
    public async Task<LobbyFile?> GetAsync(
        LobbyRef lobby, string name, Stream destination, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        var shelf = await ShelfReader.ReadAsync(_client, _sealed, lobby, new(name, IsFile: true), cancellationToken)
            .ConfigureAwait(false);
        if (shelf.File(name) is not (var file, var entry))
            return null;
        if (file.Chunks is null)
        {
            using var content = ContentForm.ToSealed(entry.Content!);
            await destination.WriteAsync(content.Blob, cancellationToken).ConfigureAwait(false);
            return LobbyFile.Of(file, entry);
        }
        var written = 0UL;
        foreach (var chunk in file.Chunks)
        {
            var bytes = await ChunkAsync(lobby, chunk, entry, cancellationToken).ConfigureAwait(false);
            written += (ulong)bytes.Length;
            await destination.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
        }
        return written == file.Size ? LobbyFile.Of(file, entry) : throw Torn(name, entry);
    }

    /// <summary>The newest files, by name.</summary>
    public async Task<IReadOnlyList<LobbyFile>> ListAsync(
        LobbyRef lobby, CancellationToken cancellationToken = default)
    {
        var shelf = await ShelfReader.ReadAsync(_client, _sealed, lobby, null, cancellationToken).ConfigureAwait(false);
        return
        [
            .. shelf.Files.Select(file => LobbyFile.Of(file.File, file.Entry))
                .OrderBy(file => file.Name, StringComparer.Ordinal),
        ];
    }

    async Task<byte[]> ChunkAsync(
        LobbyRef lobby, FileChunk chunk, Entry file, CancellationToken cancellationToken)
    {
        var piece = await ShelfReader.PieceAsync(_client, _sealed, lobby, (chunk.Id, file), cancellationToken)
            .ConfigureAwait(false);
        if (piece is not { Content: { Type: "chunk" } plain })
            throw Torn("A piece", file);
        using var content = ContentForm.ToSealed(plain);
        var bytes = content.Blob.ToArray();
        return Conclave.Sealing.Content.ChunkHash(bytes) == chunk.Hash ? bytes : throw Torn("A piece", file);
    }

    // The head of the file names every piece, and has a limit of its own: better said before the first piece is posted
    // than after the last.
    static void ThrowIfTooLarge(string name, string mime, long size)
    {
        var pieces = (int)Math.Min(
            (size + FileContent.ChunkBytes - 1) / FileContent.ChunkBytes, Conclave.Sealing.Content.HeadBytesMax);
        try
        {
            new FileContent(name, mime, (ulong)size, [.. Enumerable.Repeat(new FileChunk(Guid.Empty, default), pieces)])
                .ToContent([]).Dispose();
        }
        catch (ArgumentException exception)
        {
            throw RefusedException.From(
                new Refusal(ErrorCode.TooLarge, "The file has more pieces than one entry can name", "content"),
                exception);
        }
    }

    // A whole piece, or what is left.
    static ValueTask<int> ReadAsync(Stream content, byte[] piece, CancellationToken cancellationToken) =>
        content.ReadAtLeastAsync(piece, piece.Length, throwOnEndOfStream: false, cancellationToken);

    // The file itself, after its pieces; and now and then an index, by which it is found without reading all the log.
    async Task<long> PostLastAsync(
        LobbyRef lobby, Conclave.Sealing.Content content, CancellationToken cancellationToken)
    {
        var seq = await PostAsync(lobby, content, null, cancellationToken).ConfigureAwait(false);
        if (seq > Shelf.IndexRows && !await HasIndexAsync(lobby, cancellationToken).ConfigureAwait(false))
        {
            var shelf = await ShelfReader.ReadAsync(_client, _sealed, lobby, null, cancellationToken)
                .ConfigureAwait(false);
            await ShelfReader.IndexAsync(_client, lobby, shelf, cancellationToken).ConfigureAwait(false);
        }
        return seq;
    }

    async Task<bool> HasIndexAsync(LobbyRef lobby, CancellationToken cancellationToken)
    {
        var page = await _client.HistoryAsync(
            lobby, limit: Shelf.IndexRows, bodyMax: IndexBytesMax, cancellationToken: cancellationToken)
            .ConfigureAwait(false);
        return page.Entries.Any(entry => entry.Content is { Type: "index" });
    }

    Task<long> PostAsync(
        LobbyRef lobby, Conclave.Sealing.Content content, Guid? id, CancellationToken cancellationToken) =>
        PostAsync(lobby, ContentForm.ToPlain(content), id, cancellationToken);

    async Task<long> PostAsync(LobbyRef lobby, Content content, Guid? id, CancellationToken cancellationToken) =>
        (await _client.PostAsync(lobby, content, id, cancellationToken).ConfigureAwait(false)).Seq;

    static AlarmException Torn(string name, Entry file) => new(
        AlarmCode.TornFile,
        $"{name} is not what the file says. Whoever posted the file, or the server, has taken something out of it.")
    {
        LobbyId = file.LobbyId,
        Seq = file.Seq,
    };
}

/// <summary>A file in a lobby.</summary>
/// <param name="Name">Text that its sender chose: never a path to write to.</param>
/// <param name="Mime">Its media type, as its sender says.</param>
/// <param name="Size">In bytes.</param>
/// <param name="Seq">Its place in the log.</param>
/// <param name="From">Who put it there.</param>
/// <param name="SentAt">When it was stored, by the server's clock.</param>
public sealed record LobbyFile(
    string Name, string Mime, long Size, long Seq, Person From, DateTimeOffset SentAt)
{
    internal static LobbyFile Of(FileContent file, Entry entry) =>
        new(file.Name, file.Mime, (long)file.Size, entry.Seq, entry.From, entry.SentAt);
}
