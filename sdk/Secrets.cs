using Conclave.Sdk.Sealing;
using Conclave.Sealing;

namespace Conclave.Sdk;

/// <summary>
/// Named secrets in lobbies of either kind (docs/sealing.md, section 6.2): each version is a message, and the newest
/// one counts. From <see cref="ConclaveClient.Secrets"/>; what any of the methods can throw is told there.
/// </summary>
public sealed class Secrets
{
    readonly ConclaveClient _client;
    readonly SealedClient? _sealed;

    internal Secrets(ConclaveClient client, SealedClient? sealing) => (_client, _sealed) = (client, sealing);

    /// <summary>Sets a secret of one value.</summary>
    /// <param name="lobby">The lobby.</param>
    /// <param name="name">The name under which versions replace each other.</param>
    /// <param name="value">The secret.</param>
    /// <param name="previous">
    /// The <see cref="Secret.Seq"/> of the version that it replaces; 0 if there must be none yet; null for whatever is
    /// there now.
    /// </param>
    /// <returns>The version's place in the log.</returns>
    /// <exception cref="ConflictException">Somebody else's version came first, and counts.</exception>
    public Task<long> SetAsync(
        LobbyRef lobby, string name, string value, long? previous = null,
        CancellationToken cancellationToken = default) =>
        PutAsync(lobby, name, previous, before => SecretContent.Of(name, value, before), cancellationToken);

    /// <summary>Sets a secret of several named parts.</summary>
    /// <inheritdoc cref="SetAsync(LobbyRef, string, string, long?, CancellationToken)"/>
    /// <param name="fields">The parts by name.</param>
    public Task<long> SetAsync(
        LobbyRef lobby, string name, IReadOnlyDictionary<string, string> fields, long? previous = null,
        CancellationToken cancellationToken = default) =>
        PutAsync(lobby, name, previous, before => SecretContent.Of(name, fields, before), cancellationToken);

    /// <summary>Retires a name: there is no secret of this name any more. What was written stays in the log.</summary>
    /// <inheritdoc cref="SetAsync(LobbyRef, string, string, long?, CancellationToken)"/>
    public Task<long> RetireAsync(LobbyRef lobby, string name, CancellationToken cancellationToken = default) =>
        PutAsync(lobby, name, null, before => SecretContent.Gone(name, before), cancellationToken);

    /// <summary>The newest version of a secret; null if there is none of this name.</summary>
    /// <exception cref="AlarmException">
    /// The server was caught at something in this lobby, so that what looks newest may not be; nobody has decided yet.
    /// </exception>
    public async Task<Secret?> GetAsync(LobbyRef lobby, string name, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        var shelf = await ShelfReader.ReadAsync(_client, _sealed, lobby, new(name, IsFile: false), cancellationToken)
            .ConfigureAwait(false);
        return shelf.Newest(name) is { IsGone: false } secret ? secret : null;
    }

    /// <summary>The newest versions of all secrets, by name.</summary>
    public async Task<IReadOnlyList<Secret>> ListAsync(LobbyRef lobby, CancellationToken cancellationToken = default)
    {
        var shelf = await ShelfReader.ReadAsync(_client, _sealed, lobby, null, cancellationToken).ConfigureAwait(false);
        return [.. shelf.Secrets.OrderBy(secret => secret.Name, StringComparer.Ordinal)];
    }

    async Task<long> PutAsync(
        LobbyRef lobby, string name, long? previous, Func<ulong?, SecretContent> make,
        CancellationToken cancellationToken)
    {
        var one = new ShelfName(name, IsFile: false);
        var before = await ShelfReader.ReadAsync(_client, _sealed, lobby, one, cancellationToken)
            .ConfigureAwait(false);
        var newest = before.Newest(name)?.Seq ?? 0;
        if (previous is { } expected && expected != newest)
            throw new ConflictException(name, newest);
        using var content = make(newest == 0 ? null : (ulong)newest).ToContent();
        var reply = await _client.PostAsync(lobby, ContentForm.ToPlain(content), cancellationToken: cancellationToken)
            .ConfigureAwait(false);
        // Of two versions with one predecessor the earlier counts, and only the log says which that is.
        var after = await ShelfReader.ReadAsync(_client, _sealed, lobby, one, cancellationToken).ConfigureAwait(false);
        if (after.Counts(name, newest == 0 ? null : newest) is { } winner && winner != reply.Seq)
            throw new ConflictException(name, winner);
        await ShelfReader.IndexAsync(_client, lobby, after, cancellationToken).ConfigureAwait(false);
        return reply.Seq;
    }
}
