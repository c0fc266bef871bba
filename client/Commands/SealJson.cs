using Conclave.Protocol;
using Conclave.Sdk;

namespace Conclave.Client.Commands;

/// <summary>What <see cref="JsonLine"/> is, for sealing, secrets and files.</summary>
static class SealJson
{
    public static string Of(Contact contact) => JsonLine.Object(json =>
    {
        json.WriteString("login", contact.Login);
        json.WriteString("public_token", contact.PublicToken);
        json.WriteString("fingerprint", contact.Fingerprint);
        json.WriteString("safety_number", contact.SafetyNumber);
        json.WriteBoolean("verified", contact.IsVerified);
        if (contact.Change is not { } change)
            return;
        json.WriteStartObject("changed");
        json.WriteString("fingerprint", change.Fingerprint);
        json.WriteString("safety_number", change.SafetyNumber);
        json.WriteBoolean("signed", change.IsSigned);
        json.WriteEndObject();
    });

    public static string Of(RosterPerson member) => JsonLine.Object(json =>
    {
        json.WriteString("login", member.Login);
        json.WriteString("public_token", member.PublicToken);
        JsonLine.WriteRights(json, member.Rights);
        json.WriteString("invited_by", member.InvitedBy);
        json.WriteBoolean("verified", member.IsVerified);
        json.WriteBoolean("key_changed", member.HasChangedKey);
    });

    public static string Of(IdentityReset reset) => JsonLine.Object(json =>
    {
        json.WriteString("fingerprint", reset.Fingerprint);
        json.WriteStartArray("lobbies");
        foreach (var lobby in reset.Lobbies)
        {
            json.WriteStartObject();
            json.WriteString("lobby_id", lobby.LobbyId);
            json.WriteString("lobby_name", lobby.LobbyName);
            json.WriteBoolean("succeeded", lobby.Fault is null);
            if (lobby.Fault is { } fault)
                json.WriteString("fault", fault);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    });

    public static string Of(LobbyCode code) => JsonLine.Object(json =>
    {
        json.WriteString("lobby_id", code.LobbyId);
        json.WriteString("lobby_name", code.LobbyName);
        json.WriteString("code", code.Code);
        json.WriteNumber("seq", code.Seq);
        json.WriteBoolean("confirmed", code.IsConfirmed);
    });

    public static string Of(LobbyFile file) => JsonLine.Object(json =>
    {
        json.WriteString("name", file.Name);
        json.WriteString("mime", file.Mime);
        json.WriteNumber("size", file.Size);
        json.WriteNumber("seq", file.Seq);
        json.WriteString("sent_at", TimeJsonConverter.Text(file.SentAt));
        JsonLine.WritePerson(json, "from", file.From);
    });

    /// <summary>With its value: this is what was asked for.</summary>
    public static string Of(Secret secret) => JsonLine.Object(json =>
    {
        WriteListed(json, secret);
        if (secret.Value is { } value)
            json.WriteString("value", value);
        if (secret.Fields is not { } fields)
            return;
        json.WriteStartObject("fields");
        foreach (var (name, part) in fields)
            json.WriteString(name, part);
        json.WriteEndObject();
    });

    public static string OfListed(Secret secret) => JsonLine.Object(json => WriteListed(json, secret));

    /// <summary>The parts of a secret alone.</summary>
    public static string OfFields(IReadOnlyDictionary<string, string> fields) => JsonLine.Object(json =>
    {
        foreach (var (name, part) in fields)
            json.WriteString(name, part);
    });

    public static string OfSeq(long seq) => JsonLine.Object(json => json.WriteNumber("seq", seq));

    public static string OfLobby(Guid lobbyId) => JsonLine.Object(json => json.WriteString("lobby_id", lobbyId));

    public static string OfRecoveryCode(string code) =>
        JsonLine.Object(json => json.WriteString("recovery_code", code));

    static void WriteListed(System.Text.Json.Utf8JsonWriter json, Secret secret)
    {
        json.WriteString("name", secret.Name);
        json.WriteNumber("seq", secret.Seq);
        json.WriteString("sent_at", TimeJsonConverter.Text(secret.SentAt));
        JsonLine.WritePerson(json, "from", secret.From);
        json.WriteString("verdict", JsonLine.NameOf(secret.Verdict));
    }
}
