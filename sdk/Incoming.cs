using System.Text.Json;

namespace Conclave.Sdk;

/// <summary>What a frame from the server is, found without reading all of it into objects.</summary>
/// <param name="Id">Of a reply: which request it answers; null if the server could not read the request.</param>
/// <param name="IsOk">Of a reply.</param>
/// <param name="Event">Null if it is a reply.</param>
/// <param name="LobbyId">Of an event about a lobby.</param>
/// <param name="IsEntry">Whether the event is an entry of the lobby's log.</param>
readonly record struct Incoming(long? Id, bool IsOk, string? Event, Guid? LobbyId, bool IsEntry)
{
    /// <summary>The kind of the frame in <paramref name="utf8"/>.</summary>
    /// <exception cref="BrokenServerException">It is not a JSON object with the fields that tell.</exception>
    public static Incoming Parse(ReadOnlySpan<byte> utf8)
    {
        var incoming = new Incoming();
        try
        {
            var reader = new Utf8JsonReader(utf8);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                throw new BrokenServerException("a frame is not a JSON object");
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                incoming = Next(ref reader, incoming);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException)
        {
            throw new BrokenServerException("a frame cannot be read", exception);
        }
        return incoming;
    }

    static Incoming Next(ref Utf8JsonReader reader, Incoming incoming)
    {
        if (reader.ValueTextEquals("id"u8))
        {
            reader.Read();
            return incoming with { Id = reader.TokenType == JsonTokenType.Null ? null : reader.GetInt64() };
        }
        if (reader.ValueTextEquals("ok"u8))
        {
            reader.Read();
            return incoming with { IsOk = reader.GetBoolean() };
        }
        if (reader.ValueTextEquals("event"u8))
        {
            reader.Read();
            return incoming with { Event = reader.GetString() };
        }
        if (reader.ValueTextEquals("lobby_id"u8))
        {
            reader.Read();
            return incoming with { LobbyId = reader.GetGuid() };
        }
        if (reader.ValueTextEquals("seq"u8))
            incoming = incoming with { IsEntry = true };
        reader.Read();
        reader.Skip();
        return incoming;
    }
}
