using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Conclave.Protocol;

/// <summary>The one way JSON is read and written: snake_case, no nulls, no key twice, no escapes for HTML.</summary>
public static class WireJson
{
    /// <summary>The bytes of <paramref name="reply"/>, one JSON object.</summary>
    public static byte[] Serialize(Reply reply) =>
        JsonSerializer.SerializeToUtf8Bytes(reply, reply.GetType(), Context);

    /// <summary>The bytes of <paramref name="hint"/>, one JSON object.</summary>
    public static byte[] Serialize(Hint hint) => JsonSerializer.SerializeToUtf8Bytes(hint, Context.Hint);

    /// <summary>The reply of type <typeparamref name="T"/> in <paramref name="utf8"/>.</summary>
    /// <exception cref="JsonException">The bytes are not such an object.</exception>
    public static T Deserialize<T>(ReadOnlySpan<byte> utf8) where T : class =>
        (T?)JsonSerializer.Deserialize(utf8, typeof(T), Context) ?? throw new JsonException("null is not an object");

    /// <summary>What writers of frames by hand use, so that their text looks like the serialiser's.</summary>
    public static JsonWriterOptions WriterOptions { get; } =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>Reads an object or a list inside of a request: what must be there is, and is not null.</summary>
    /// <exception cref="JsonException">The bytes have another form.</exception>
    internal static T? Part<T>(ReadOnlySpan<byte> utf8) where T : class =>
        (T?)JsonSerializer.Deserialize(utf8, typeof(T), Parts);

    static ProtocolJson Parts { get; } = new(new JsonSerializerOptions(ProtocolJson.Default.Options)
    {
        AllowDuplicateProperties = false,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    });

    internal static ProtocolJson Context { get; } = new(new JsonSerializerOptions(ProtocolJson.Default.Options)
    {
        // Nothing of ours is ever pasted into HTML, and Cyrillic as \u0430 triples it.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        AllowDuplicateProperties = false,
    });
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(TimeJsonConverter)])]
[JsonSerializable(typeof(ErrorReply))]
[JsonSerializable(typeof(DoneReply))]
[JsonSerializable(typeof(RegisterReply))]
[JsonSerializable(typeof(AuthReply))]
[JsonSerializable(typeof(UserReply))]
[JsonSerializable(typeof(KdfReply))]
[JsonSerializable(typeof(KdfRecord))]
[JsonSerializable(typeof(IdentityPart))]
[JsonSerializable(typeof(SealedCreation))]
[JsonSerializable(typeof(KeyWrapPart))]
[JsonSerializable(typeof(IReadOnlyList<KeyWrapPart>))]
[JsonSerializable(typeof(IReadOnlyList<GenerationWrap>))]
[JsonSerializable(typeof(RosterReply))]
[JsonSerializable(typeof(MyKeysReply))]
[JsonSerializable(typeof(CreateLobbyReply))]
[JsonSerializable(typeof(LobbyReply))]
[JsonSerializable(typeof(InviteLobbyReply))]
[JsonSerializable(typeof(ChangeReply))]
[JsonSerializable(typeof(SubscribeReply))]
[JsonSerializable(typeof(MessageReply))]
[JsonSerializable(typeof(MyLobbiesReply))]
[JsonSerializable(typeof(MembersReply))]
[JsonSerializable(typeof(HistoryPage))]
[JsonSerializable(typeof(HistoryReply))]
[JsonSerializable(typeof(SessionsReply))]
[JsonSerializable(typeof(RevokeSessionReply))]
[JsonSerializable(typeof(PingReply))]
[JsonSerializable(typeof(LobbyEvent))]
[JsonSerializable(typeof(Hint))]
[JsonSerializable(typeof(string))]
sealed partial class ProtocolJson : JsonSerializerContext;
