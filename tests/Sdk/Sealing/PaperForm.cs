using System.Text.Json.Nodes;
using Conclave.Roster;
using Conclave.Sdk.Sealing;

namespace Conclave.Tests.Sdk.Sealing;

/// <summary>What comes in requests, as a <see cref="PaperServer"/> reads it.</summary>
static class PaperForm
{
    public static void Keep(PaperLobby lobby, ulong generation, JsonArray wraps)
    {
        foreach (var wrap in wraps)
        {
            Assert.True(Digest.TryParse((string)wrap!["to"]!, out var to));
            lobby.Wraps.Add((generation, to, SealedSession.Decode((string)wrap["wrap"]!)));
        }
    }

    public static RosterEntry Entry(string text)
    {
        Assert.Equal(
            Conclave.Roster.Verdict.Accepted, RosterEntry.Parse(SealedSession.Decode(text), out var entry));
        return entry!;
    }

    public static void Check(Conclave.Roster.Verdict verdict)
    {
        if (verdict != Conclave.Roster.Verdict.Accepted)
            throw new RefusalException(VerdictCode.Of(verdict));
    }
}
