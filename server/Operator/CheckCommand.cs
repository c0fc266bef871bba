using System.CommandLine;
using System.Security.Cryptography;
using Conclave.Protocol;
using Conclave.Server.Storage;

namespace Conclave.Server.Operator;

/// <summary>
/// <c>check</c>: reads everything that is stored, at one moment, and says where it is not what a server could have
/// written. Changes nothing; a server may run meanwhile.
/// </summary>
static class CheckCommand
{
    public static Command Build() => CommandTree.Command(
        "check",
        "Verifies what is stored: logs without gaps, bodies that open, members and names as the logs say. Prints each "
        + "fault; the exit code is 1 if there is one.",
        [], RunAsync);

    static async Task<int> RunAsync(Errand errand)
    {
        await using var desk = await Desk.OpenAsync(errand);
        using var masterKey = desk.LoadMasterKey();
        await using var audit = await LogAudit.OpenAsync(desk.Database, errand.Cancellation);
        var lobbies = await audit.LobbiesAsync(errand.Cancellation);
        var names = await audit.NamesAsync(errand.Cancellation);
        long entries = 0, faults = 0;
        foreach (var lobby in lobbies)
        {
            await foreach (var fault in FaultsAsync(lobby))
                Tell(lobby.LobbyId, fault);
            if (names.GetValueOrDefault(LobbyName.Key(lobby.Name)) != lobby.LobbyId)
                Tell(lobby.LobbyId, "its name does not lead to it");
        }
        foreach (var stray in names.Values.Except(lobbies.Select(lobby => lobby.LobbyId)))
            Tell(stray, "a name leads to this lobby, which does not exist");
        Errand.Note($"{lobbies.Count} lobbies with {entries} entries: {faults} faults");
        return faults == 0 ? ExitCode.Done : ExitCode.Failed;

        void Tell(Guid lobbyId, string fault)
        {
            faults++;
            Errand.Row(lobbyId.ToString(), fault);
        }

        async IAsyncEnumerable<string> FaultsAsync(AuditedLobby lobby)
        {
            if (lobby.IsDeleted)
            {
                if (lobby.WrappedKey is not null)
                    yield return "it was deleted, and its key is still there";
                yield break;
            }
            if (!TryUnwrap(masterKey, lobby, out var key))
                yield return "its key does not open with the master key; its messages are lost";
            var replay = new LogReplay(lobby, key);
            var roster = lobby.IsSealed && key is not null
                ? new SealedReplay(
                    lobby.LobbyId, key, await audit.IdentitiesAsync(lobby.LobbyId, errand.Cancellation))
                : null;
            await foreach (var entry in audit.EntriesAsync(lobby.LobbyId, errand.Cancellation))
            {
                entries++;
                foreach (var fault in replay.Read(entry).Concat(roster?.Read(entry) ?? []))
                    yield return fault;
            }
            foreach (var fault in replay.Finish(await audit.MembersAsync(lobby.LobbyId, errand.Cancellation)))
                yield return fault;
            if (roster is null)
                yield break;
            var tables = await audit.RosterAsync(lobby.LobbyId, errand.Cancellation);
            foreach (var fault in roster.Finish(tables, lobby.Name))
                yield return fault;
        }
    }

    static bool TryUnwrap(MasterKey masterKey, AuditedLobby lobby, out LobbyKey? key)
    {
        key = null;
        try
        {
            key = masterKey.UnwrapLobbyKey(lobby.LobbyId, lobby.WrappedKey);
            return true;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }
}
