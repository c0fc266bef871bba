using Conclave.Protocol;
using Conclave.Server.Storage;

namespace Conclave.Server.Actions;

/// <summary>What a reply says of the transcript of a sealed lobby; nothing of a plain one.</summary>
static class TranscriptAt
{
    /// <param name="lobby">The lobby.</param>
    /// <param name="lastSeq">The last entry, as the reply has it.</param>
    /// <param name="before">The place before the first event that follows.</param>
    /// <param name="turn">The turn.</param>
    public static ValueTask<(string? Hash, TranscriptPoint? Base)> FindAsync(
        LobbyInfo lobby, long lastSeq, long before, Turn turn) =>
        lobby.IsSealed ? ReadAsync(lobby, lastSeq, before, turn) : default;

    static async ValueTask<(string? Hash, TranscriptPoint? Base)> ReadAsync(
        LobbyInfo lobby, long lastSeq, long before, Turn turn)
    {
        var hashes = await turn.Rooms.Sealed.HashesAsync(lobby.LobbyId, [lastSeq, before], turn.Cancellation);
        return (hashes[lastSeq].ToString(), new TranscriptPoint(before, hashes[before].ToString()));
    }
}
