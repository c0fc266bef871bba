using System.Buffers;
using System.Text.Json;
using Conclave.Protocol;

namespace Conclave.Sdk;

/// <summary>Writes requests as they stand on the wire. By hand, so that content goes out byte for byte.</summary>
static class RequestFrame
{
    /// <summary>
    /// Enough for a login and two passwords with every character escaped: the buffer never grows while it holds a
    /// password, so that no copy stays behind unwiped.
    /// </summary>
    const int SizeOfSmall = 16_384;

    /// <summary>One request object.</summary>
    /// <param name="id">Its <c>id</c>.</param>
    /// <param name="action">One of <see cref="ActionName"/>.</param>
    /// <param name="token">Null if the action needs none.</param>
    /// <param name="fields">Writes the other fields.</param>
    public static byte[] Write(long id, string action, string? token, Action<Utf8JsonWriter> fields)
    {
        var buffer = new ArrayBufferWriter<byte>(SizeOfSmall);
        using (var json = new Utf8JsonWriter(buffer, WireJson.WriterOptions))
        {
            json.WriteStartObject();
            json.WriteNumber("id"u8, id);
            json.WriteString("action"u8, action);
            if (token is not null)
                json.WriteString("token"u8, token);
            fields(json);
            json.WriteEndObject();
        }
        var frame = buffer.WrittenSpan.ToArray();
        buffer.Clear();
        return frame;
    }

    public static void WriteLobby(this Utf8JsonWriter json, LobbyRef lobby)
    {
        if (lobby == default)
            throw new ArgumentException("Neither the name nor the id of a lobby is given.", nameof(lobby));
        if (lobby.Name is { } name)
            json.WriteString("lobby_name"u8, name);
        if (lobby.Id is { } id)
            json.WriteString("lobby_id"u8, id);
    }

    public static void WriteCredentials(this Utf8JsonWriter json, string login, ReadOnlyMemory<byte> password)
    {
        json.WriteString("login"u8, login);
        json.WriteString("password"u8, password.Span);
    }

    public static void WriteContent(this Utf8JsonWriter json, Content content)
    {
        json.WritePropertyName("row_data"u8);
        json.WriteRawValue(content.Json.Utf8.Span, skipInputValidation: true);
    }

    public static void WriteRights(this Utf8JsonWriter json, Rights rights)
    {
        json.WriteStartArray("rights"u8);
        foreach (var name in RightName.NamesOf(rights))
            json.WriteStringValue(name);
        json.WriteEndArray();
    }
}
