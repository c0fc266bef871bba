using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Conclave.Protocol;
using Conclave.Server.Storage;

namespace Conclave.Server.Lobbies;

/// <summary>Makes frames of the entries of one lobby, under the name it has now.</summary>
/// <param name="lobbyId">The lobby.</param>
/// <param name="lobbyName">Its name; an entry that names the lobby itself keeps its own.</param>
sealed class EntryEncoder(Guid lobbyId, string lobbyName)
{
    // What the JSON around row_data takes at most, beside the lobby's name: a login has 64 characters.
    const int EnvelopeBytesMax = 512;

    const int UuidBytes = 36;

    // What every message of the lobby begins with.
    readonly byte[] _head = Encoding.UTF8.GetBytes(
        $$"""{"event":"message","lobby_id":"{{lobbyId}}","lobby_name":"{{Escape(lobbyName)}}","seq":""");

    [ThreadStatic]
    static byte[]? _scratch;

    public EntryFrame Encode(StoredEntry entry)
    {
        // By hand: every post comes by here, and a writer that checks and escapes takes several times as long.
        var json = entry.Kind == EntryKind.Message && !entry.RowData.IsEmpty
            ? EncodeMessage(entry)
            : Encode(entry, entry.IsGone);
        var removes = entry.Kind == EntryKind.MemberRemoved ? entry.Member!.PublicToken : (Guid?)null;
        return new EntryFrame(entry.Seq, json, removes)
        {
            Expiring = entry is { Expiry: { } expiry, IsGone: false }
                ? new Expiring(expiry, new EntryFrame(entry.Seq, Encode(entry, isGone: true), null))
                : null,
        };
    }

    ReadOnlyMemory<byte> Encode(StoredEntry entry, bool isGone)
    {
        var buffer = new ArrayBufferWriter<byte>(EnvelopeBytesMax);
        using (var writer = new Utf8JsonWriter(buffer, WireJson.WriterOptions))
            Write(writer, entry, isGone);
        return buffer.WrittenMemory;
    }

    byte[] EncodeMessage(StoredEntry entry)
    {
        var scratch = _scratch is { } kept && kept.Length >= _head.Length + EnvelopeBytesMax
            ? kept
            : _scratch = new byte[_head.Length + EnvelopeBytesMax];
        var count = 0;
        Append(scratch, ref count, _head);
        Utf8Formatter.TryFormat(entry.Seq, scratch.AsSpan(count), out var digits);
        count += digits;
        Append(scratch, ref count, ",\"sent_at\":\""u8);
        count += TimeJsonConverter.Write(entry.SentAt, scratch.AsSpan(count));
        // A login needs no escapes.
        Append(scratch, ref count, "\",\"from\":{\"login\":\""u8);
        count += Encoding.ASCII.GetBytes(entry.Author.Login, scratch.AsSpan(count));
        Append(scratch, ref count, "\",\"public_token\":\""u8);
        AppendUuid(scratch, ref count, entry.Author.PublicToken);
        Append(scratch, ref count, "\"},\"row_data\":"u8);
        var rowAt = count;
        Append(scratch, ref count, ",\"nonce\":\""u8);
        AppendUuid(scratch, ref count, entry.Nonce);
        if (entry.Expiry is { } expiry)
        {
            Append(scratch, ref count, "\",\"expires_at\":\""u8);
            count += TimeJsonConverter.Write(expiry.Time, scratch.AsSpan(count));
        }
        Append(scratch, ref count, "\"}"u8);

        var json = GC.AllocateUninitializedArray<byte>(count + entry.RowData.Length);
        scratch.AsSpan(0, rowAt).CopyTo(json);
        entry.RowData.Span.CopyTo(json.AsSpan(rowAt));
        scratch.AsSpan(rowAt, count - rowAt).CopyTo(json.AsSpan(rowAt + entry.RowData.Length));
        return json;
    }

    static string Escape(string text) =>
        JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).ToString();

    static void Append(byte[] buffer, ref int count, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(buffer.AsSpan(count));
        count += bytes.Length;
    }

    static void AppendUuid(byte[] buffer, ref int count, Guid uuid)
    {
        var isWritten = uuid.TryFormat(buffer.AsSpan(count), out var bytes);
        Debug.Assert(isWritten && bytes == UuidBytes);
        count += bytes;
    }

    void Write(Utf8JsonWriter writer, StoredEntry entry, bool isGone)
    {
        writer.WriteStartObject();
        writer.WriteString("event"u8, EntryKindName.Of(entry.Kind));
        writer.WriteString("lobby_id"u8, lobbyId);
        writer.WriteString("lobby_name"u8, entry.Name ?? lobbyName);
        writer.WriteNumber("seq"u8, entry.Seq);
        writer.WriteString("sent_at"u8, TimeJsonConverter.Text(entry.SentAt));
        WritePerson(writer, "from"u8, entry.Author);
        switch (entry.Kind)
        {
            case EntryKind.LobbyCreated:
                // A plain lobby is created by an entry without a body.
                writer.WriteBoolean("sealed"u8, !entry.RowData.IsEmpty);
                break;
            case EntryKind.Message:
                WriteMessage(writer, entry, isGone);
                break;
            case EntryKind.LobbyRenamed:
                break;
            case EntryKind.KeyRotated:
                writer.WriteNumber("generation"u8, entry.Sealed!.Generation!.Value);
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
        if (entry.Kind != EntryKind.Message && !entry.RowData.IsEmpty)
            WriteRowData(writer, entry);
        writer.WriteEndObject();
    }

    // One whose row_data is not at hand was too large for the page.
    static void WriteMessage(Utf8JsonWriter writer, StoredEntry entry, bool isGone)
    {
        if (isGone)
        {
            writer.WriteNull("row_data"u8);
            writer.WriteBoolean("gone"u8, true);
        }
        else
        {
            writer.WriteBoolean("omitted"u8, true);
            writer.WriteNumber("row_size"u8, entry.RowBytes);
        }
        // In place of the row, whose hash the transcript needs.
        if (entry.Sealed is not null)
            writer.WriteString("row_hash"u8, entry.Sealed.RowHash.ToString());
        writer.WriteString("nonce"u8, entry.Nonce);
        if (!isGone && entry.Expiry is { } expiry)
            writer.WriteString("expires_at"u8, TimeJsonConverter.Text(expiry.Time));
    }

    static void WriteRowData(Utf8JsonWriter writer, StoredEntry entry)
    {
        writer.WritePropertyName("row_data"u8);
        writer.WriteRawValue(entry.RowData.Span, skipInputValidation: true);
    }

    static void WritePerson(Utf8JsonWriter writer, ReadOnlySpan<byte> name, Person person)
    {
        writer.WriteStartObject(name);
        writer.WriteString("login"u8, person.Login);
        writer.WriteString("public_token"u8, person.PublicToken);
        writer.WriteEndObject();
    }
}
