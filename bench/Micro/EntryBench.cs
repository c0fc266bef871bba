using System.Buffers;
using System.Text.Json;
using BenchmarkDotNet.Attributes;
using Conclave.Server.Lobbies;
using Conclave.Server.Storage;

namespace Conclave.Bench.Micro;

/// <summary>An entry as the bytes that go to every subscriber, beside the same by the framework's writer.</summary>
[MemoryDiagnoser]
public class EntryBench
{
    readonly StoredEntry _entry = Samples.Entries(1)[0];
    readonly EntryEncoder _encoder = new(Samples.Lobby.LobbyId, Samples.LobbyName);

    [Benchmark(Baseline = true)]
    public int Writer()
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using var writer = new Utf8JsonWriter(buffer);
        writer.WriteStartObject();
        writer.WriteString("event"u8, "message"u8);
        writer.WriteString("lobby_id"u8, _entry.LobbyId);
        writer.WriteString("lobby_name"u8, Samples.LobbyName);
        writer.WriteNumber("seq"u8, _entry.Seq);
        writer.WriteString("sent_at"u8, _entry.SentAt);
        writer.WriteStartObject("from"u8);
        writer.WriteString("login"u8, _entry.Author.Login);
        writer.WriteString("public_token"u8, _entry.Author.PublicToken);
        writer.WriteEndObject();
        writer.WritePropertyName("row_data"u8);
        writer.WriteRawValue(_entry.RowData.Span, skipInputValidation: true);
        writer.WriteString("nonce"u8, _entry.Nonce);
        writer.WriteEndObject();
        writer.Flush();
        return buffer.WrittenCount;
    }

    [Benchmark]
    public int Encode() => _encoder.Encode(_entry).Json.Length;
}
