using Conclave.Protocol;
using Conclave.Server.Lobbies;
using Conclave.Server.Storage;
using Conclave.Server.Writing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Conclave.Server.Operator;

/// <summary>Writes entries for the operator, by the writer that servers use, whose judgement they pass.</summary>
sealed class LogPen : IAsyncDisposable
{
    readonly MasterKey _masterKey;
    readonly LobbyStore _lobbies;
    readonly LiveLobbies _live;
    readonly EntryWriter _writer;

    public LogPen(Desk desk)
    {
        _masterKey = desk.LoadMasterKey();
        _lobbies = new LobbyStore(desk.Database, _masterKey);
        var entries = new EntryStore(desk.Database);
        _live = new LiveLobbies(_lobbies, entries, desk.Settings.Limits);
        _writer = new EntryWriter(
            entries, _live, desk.Settings.Limits, TimeProvider.System, NullLogger<EntryWriter>.Instance);
    }

    /// <exception cref="OperatorException">The log does not take the entry.</exception>
    public async Task WriteAsync(
        Guid lobbyId, EntryKind kind, Person author, Person member, Rights? rights, CancellationToken cancellation)
    {
        var draft = await _writer.WriteAsync(
            new NewEntry
            {
                Lobby = (await _lobbies.FindAsync(lobbyId, cancellation))!,
                Kind = kind,
                Author = author,
                Nonce = Guid.CreateVersion7(),
                Member = member.PublicToken,
                Rights = rights,
            },
            cancellation);
        if (draft.Result.Outcome is not (Outcome.Stored or Outcome.NotAMember))
        {
            throw new OperatorException(
                $"the log of lobby {lobbyId} did not take an entry ({draft.Result.Outcome}): run the command again");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _writer.DisposeAsync();
        _live.Dispose();
        _masterKey.Dispose();
    }
}
