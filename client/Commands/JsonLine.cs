using System.Buffers;
using System.Text;
using System.Text.Json;
using Conclave.Protocol;
using Conclave.Sdk;

namespace Conclave.Client.Commands;

/// <summary>
/// Results as <c>--json</c> prints them: one object on one line, with the names of docs/protocol.md. The
/// <c>row_data</c> of an entry is what was posted, byte for byte, so that a pipe gets back what went in; only its line
/// breaks, which are white space there, become spaces.
/// </summary>
static class JsonLine
{
    /// <summary>Of what is done and has nothing to tell.</summary>
    public static string Done { get; } = Object(json => json.WriteBoolean("ok", true));

    public static string Of(RegisterReply user) => Object(json =>
    {
        json.WriteString("login", user.Login);
        json.WriteString("public_token", user.PublicToken);
    });

    /// <summary>Without the token, which nobody needs to see: the session keeps it.</summary>
    public static string Of(AuthReply session, Uri server) => Object(json =>
    {
        json.WriteString("server", Wording.Address(server));
        json.WriteString("login", session.Login);
        json.WriteString("public_token", session.PublicToken);
        json.WriteString("expires_at", TimeJsonConverter.Text(session.ExpiresAt));
    });

    public static string Of(UserReply user, Uri? server = null) => Object(json =>
    {
        if (server is not null)
            json.WriteString("server", Wording.Address(server));
        json.WriteString("login", user.Login);
        json.WriteString("public_token", user.PublicToken);
        json.WriteString("registered_at", TimeJsonConverter.Text(user.RegisteredAt));
    });

    public static string OfLogin(string? login) => Object(json => json.WriteString("login", login));

    public static string Of(OwnSession session) => Object(json =>
    {
        json.WriteString("session_id", session.SessionId);
        json.WriteString("created_at", TimeJsonConverter.Text(session.CreatedAt));
        json.WriteString("last_used_at", TimeJsonConverter.Text(session.LastUsedAt));
        json.WriteString("expires_at", TimeJsonConverter.Text(session.ExpiresAt));
        if (session.Client is { } client)
            json.WriteString("client", client);
        if (session.Address is { } address)
            json.WriteString("address", address);
        json.WriteBoolean("current", session.Current);
    });

    public static string Revoked(int count) => Object(json => json.WriteNumber("revoked", count));

    public static string Of(CreateLobbyReply lobby) => Object(json =>
    {
        json.WriteString("lobby_id", lobby.LobbyId);
        json.WriteString("lobby_name", lobby.LobbyName);
        json.WriteNumber("seq", lobby.Seq);
    });

    public static string Of(LobbyReply lobby) => Object(json =>
    {
        json.WriteString("lobby_id", lobby.LobbyId);
        json.WriteString("lobby_name", lobby.LobbyName);
        WritePerson(json, "created_by", lobby.CreatedBy);
        json.WriteString("created_at", TimeJsonConverter.Text(lobby.CreatedAt));
        json.WriteBoolean("sealed", Report.IsSealed(lobby.LobbyId));
    });

    public static string Of(OwnLobby lobby) => Object(json =>
    {
        json.WriteString("lobby_id", lobby.LobbyId);
        json.WriteString("lobby_name", lobby.LobbyName);
        WriteRights(json, lobby.Rights);
        WritePerson(json, "created_by", lobby.CreatedBy);
        json.WriteNumber("last_seq", lobby.LastSeq);
        json.WriteBoolean("sealed", Report.IsSealed(lobby.LobbyId));
    });

    public static string Of(Member member) => Object(json =>
    {
        json.WriteString("login", member.Login);
        json.WriteString("public_token", member.PublicToken);
        WriteRights(json, member.Rights);
        json.WriteString("since", TimeJsonConverter.Text(member.Since));
    });

    public static string Of(InviteLobbyReply invitation) => Object(json =>
    {
        json.WriteString("lobby_id", invitation.LobbyId);
        json.WriteString("login", invitation.Login);
        json.WriteString("public_token", invitation.PublicToken);
        WriteRights(json, invitation.Rights);
        json.WriteNumber("seq", invitation.Seq);
    });

    public static string Of(ChangeReply change) => Object(json => json.WriteNumber("seq", change.Seq));

    public static string Of(MessageReply message) => Object(json =>
    {
        json.WriteString("lobby_id", message.LobbyId);
        json.WriteNumber("seq", message.Seq);
        json.WriteString("sent_at", TimeJsonConverter.Text(message.SentAt));
    });

    public static string Of(Entry entry) => Object(json =>
    {
        json.WriteString("event", entry.Event);
        json.WriteString("lobby_id", entry.LobbyId);
        json.WriteString("lobby_name", entry.LobbyName);
        json.WriteNumber("seq", entry.Seq);
        json.WriteString("sent_at", TimeJsonConverter.Text(entry.SentAt));
        WritePerson(json, "from", entry.From);
        if (entry.Sealed is { } isSealed)
            json.WriteBoolean("sealed", isSealed);
        if (entry.Member is { } member)
            WritePerson(json, "member", member);
        if (entry.Rights is { } rights)
            WriteRights(json, rights);
        if (entry.Event == EventName.Message)
            WriteContent(json, entry);
        if (entry.Verdict != Verdict.Plain)
            WriteVerdict(json, entry);
    });

    static void WriteContent(Utf8JsonWriter json, Entry entry)
    {
        json.WritePropertyName("row_data");
        if (entry.Content is { } content)
            json.WriteRawValue(content.Json.Utf8.Span, skipInputValidation: true);
        else
            json.WriteNullValue();
        if (entry.Nonce is { } nonce)
            json.WriteString("nonce", nonce);
        if (entry.ExpiresAt is { } expiresAt)
            json.WriteString("expires_at", TimeJsonConverter.Text(expiresAt));
        if (entry.IsGone)
            json.WriteBoolean("gone", true);
    }

    /// <summary>How far something of a sealed lobby can be trusted.</summary>
    public static string NameOf(Verdict verdict) => verdict switch
    {
        Verdict.Plain => "plain",
        Verdict.Verified => "verified",
        Verdict.Unconfirmed => "unconfirmed",
        Verdict.Unreadable => "unreadable",
        Verdict.Erased => "erased",
        _ => "refused",
    };

    static void WriteVerdict(Utf8JsonWriter json, Entry entry)
    {
        json.WriteString("verdict", NameOf(entry.Verdict));
        if (entry.Fault is { } fault)
            json.WriteString("fault", fault);
        json.WriteBoolean("sender_verified", entry.IsSenderVerified);
    }

    public static void WritePerson(Utf8JsonWriter json, string name, Person person)
    {
        json.WriteStartObject(name);
        json.WriteString("login", person.Login);
        json.WriteString("public_token", person.PublicToken);
        json.WriteEndObject();
    }

    public static void WriteRights(Utf8JsonWriter json, Rights rights)
    {
        json.WriteStartArray("rights");
        foreach (var name in RightName.NamesOf(rights))
            json.WriteStringValue(name);
        json.WriteEndArray();
    }

    /// <summary>An object with these fields.</summary>
    public static string Object(Action<Utf8JsonWriter> fields)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, WireJson.WriterOptions))
        {
            json.WriteStartObject();
            fields(json);
            json.WriteEndObject();
        }
        return SafeText.Json(Encoding.UTF8.GetString(buffer.WrittenSpan), escape: Terminal.IsSeen);
    }
}
