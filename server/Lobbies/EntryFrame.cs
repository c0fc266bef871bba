using System.Buffers;
using System.Text.Json;
using Conclave.Protocol;
using Conclave.Server.Storage;

namespace Conclave.Server.Lobbies;

/// <summary>
/// An entry as the very bytes that go to every subscriber and into every history reply: encoded once.
/// </summary>
/// <param name="Seq">The entry's place in the log.</param>
/// <param name="Json">One JSON object.</param>
/// <param name="Removes">Whose membership the entry ends; null for most.</param>
sealed record EntryFrame(long Seq, ReadOnlyMemory<byte> Json, Guid? Removes)
{
    // What the JSON around row_data takes at most, about: a first guess that saves growing.
    const int EnvelopeBytes = 512;

    /// <param name="entry">What happened.</param>
    /// <param name="lobbyName">The lobby's name now; an entry that names the lobby itself keeps its own.</param>
    public static EntryFrame Of(StoredEntry entry, string lobbyName)
    {
        var buffer = new ArrayBufferWriter<byte>(entry.RowData.Length + EnvelopeBytes);
        using (var writer = new Utf8JsonWriter(buffer, WireJson.WriterOptions))
            Write(writer, entry, entry.Name ?? lobbyName);
        var removes = entry.Kind == EntryKind.MemberRemoved ? entry.Member!.PublicToken : (Guid?)null;
        return new EntryFrame(entry.Seq, buffer.WrittenMemory, removes);
    }

    static void Write(Utf8JsonWriter writer, StoredEntry entry, string lobbyName)
    {
        writer.WriteStartObject();
        writer.WriteString("event"u8, EntryKindName.Of(entry.Kind));
        writer.WriteString("lobby_id"u8, entry.LobbyId);
        writer.WriteString("lobby_name"u8, lobbyName);
        writer.WriteNumber("seq"u8, entry.Seq);
        writer.WriteString("sent_at"u8, TimeJsonConverter.Text(entry.SentAt));
        WritePerson(writer, "from"u8, entry.Author);
        switch (entry.Kind)
        {
            case EntryKind.LobbyCreated:
                writer.WriteBoolean("sealed"u8, false);
                break;
            case EntryKind.Message:
                WriteMessage(writer, entry);
                break;
            default:
                WritePerson(writer, "member"u8, entry.Member!);
                break;
        }
        if (entry.Rights is { } rights)
        {
            writer.WriteStartArray("rights"u8);
            foreach (var name in RightName.NamesOf(rights))
                writer.WriteStringValue(name);
            writer.WriteEndArray();
        }
        writer.WriteEndObject();
    }

    static void WriteMessage(Utf8JsonWriter writer, StoredEntry entry)
    {
        if (entry.RowData.IsEmpty)
        {
            writer.WriteBoolean("omitted"u8, true);
            writer.WriteNumber("row_size"u8, entry.RowBytes);
        }
        else
        {
            writer.WritePropertyName("row_data"u8);
            writer.WriteRawValue(entry.RowData.Span, skipInputValidation: true);
        }
        writer.WriteString("nonce"u8, entry.Nonce);
    }

    static void WritePerson(Utf8JsonWriter writer, ReadOnlySpan<byte> name, Person person)
    {
        writer.WriteStartObject(name);
        writer.WriteString("login"u8, person.Login);
        writer.WriteString("public_token"u8, person.PublicToken);
        writer.WriteEndObject();
    }
}
