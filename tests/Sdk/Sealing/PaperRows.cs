using Conclave.Sdk.Sealing;
using Conclave.Sealing;

namespace Conclave.Tests.Sdk.Sealing;

/// <summary>Rows that a member of a <see cref="PaperLobby"/> has sealed, without a client that posts them.</summary>
static class PaperRows
{
    public static void Post(
        this PaperServer server, PaperLobby lobby, string login, params IEnumerable<Conclave.Sdk.Content> contents)
    {
        using var identity = Identity.FromSeed(login, server.SeedOf(login)!);
        var roster = lobby.Log.Roster!;
        var (generation, _, wrap) = lobby.Wraps.Last(wrap => wrap.To == identity.Fingerprint);
        Assert.Equal(
            Conclave.Roster.Verdict.Accepted,
            GenerationKey.OpenWrap(roster, generation, identity, wrap, out var key));
        using (key)
        {
            foreach (var content in contents)
            {
                using var form = ContentForm.ToSealed(content);
                var id = SealedMessage.NewId();
                var row = SealedMessage.Seal(identity, roster, key!, Seen.In(lobby.Log), id, form);
                lobby.Force(server.Users[login].Token, row, id);
            }
        }
    }

    /// <summary>So many texts.</summary>
    public static IEnumerable<Conclave.Sdk.Content> Texts(int count) =>
        Enumerable.Range(1, count).Select(number => Conclave.Sdk.Content.OfText($"entry {number}"));
}
