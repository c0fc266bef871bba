using System.Text.Json.Nodes;
using Conclave.Sdk.Sealing;

namespace Conclave.Tests.Sdk.Sealing;

/// <summary>A user of a <see cref="PaperServer"/>: any string is a session's token here.</summary>
sealed record PaperUser(string Login, Guid Token)
{
    public JsonNode? Kdf { get; set; }

    public string? Auth { get; set; }

    public JsonNode? Identity { get; set; }

    public string? Vault { get; set; }
}

/// <summary>The refusal with this code.</summary>
sealed class RefusalException(string code) : Exception(code);

/// <summary>Hands keys on among members.</summary>
static class PaperKeys
{
    public static JsonObject Answer(PaperServer server, JsonObject request, PaperUser user, PaperLobby lobby)
    {
        _ = user;
        if ((string)request["action"]! == "rewrap_key")
        {
            var to = server.Users.Values.Single(other => other.Token == Guid.Parse((string)request["public_token"]!));
            lobby.Wraps.Add((
                (ulong)(long)request["generation"]!, PaperServer.Record(to).Fingerprint,
                SealedSession.Decode((string)request["wrap"]!)));
        }
        return [];
    }
}

/// <summary>The lobbies of somebody, as a list.</summary>
static class PaperLists
{
    public static JsonObject Mine(PaperServer server, PaperUser user) => new()
    {
        ["lobbies"] = new JsonArray(
        [
            .. server.Lobbies.Values.Where(lobby => lobby.Log.Roster?.MemberBy(user.Token) is not null)
                .Select(lobby => new JsonObject
                {
                    ["lobby_id"] = lobby.Id.ToString(),
                    ["lobby_name"] = lobby.Name,
                    ["rights"] = new JsonArray("read", "write"),
                    ["created_by"] = PaperLobby.Person(lobby.Rows[0].Sender, server.LoginOf),
                    ["last_seq"] = lobby.Rows.Count,
                    ["sealed"] = true,
                }),
        ]),
        ["more"] = false,
    };
}
