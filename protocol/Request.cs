using System.Text;
using System.Text.Json;

namespace Conclave.Protocol;

/// <summary>Names a lobby in a request: by name, by id, or by both.</summary>
/// <param name="Name">In NFC; null if the request has none.</param>
/// <param name="Id">Null if the request has none.</param>
public readonly record struct LobbyAddress(string? Name, Guid? Id);

/// <summary>
/// One request, read in a single pass over its bytes without building a document. The getters check the form of a
/// field; the first that fails is kept in <see cref="Refusal"/> and the getter returns a value that must not be used.
/// </summary>
public sealed class Request
{
    const int NestingMax = 32;
    const int IdLengthMax = 64;

    // Beyond this many keys the pairwise search for a repeated one would be slow enough to be an attack.
    const int PairwiseKeysMax = 16;

    readonly ReadOnlyMemory<byte> _frame;
    Field[] _fields = new Field[8];
    int _fieldCount;
    HashSet<string>? _keys;

    Request(ReadOnlyMemory<byte> frame) => _frame = frame;

    /// <summary>The request's id, to be echoed byte for byte.</summary>
    public RawJson Id { get; private set; }

    /// <summary>What is asked for; empty if the field is missing or no string.</summary>
    public string Action { get; private set; } = "";

    /// <summary>The first fault found in a field; null while there is none.</summary>
    public Refusal? Refusal { get; private set; }

    /// <summary>The <c>token</c> if it is a UUID; else null, which no session has.</summary>
    public Guid? Token => Find("token"u8) is { Type: JsonTokenType.String } token ? ReadUuid(token) : null;

    /// <summary>Whether the request carries a <c>token</c> at all, of whatever type.</summary>
    public bool HasToken => Find("token"u8) is not null;

    /// <summary>
    /// Reads <paramref name="frame"/>, which the request goes on using. Null if it is not one JSON object or has a key
    /// twice: then the answer is <c>bad_json</c>.
    /// </summary>
    public static Request? Read(ReadOnlyMemory<byte> frame)
    {
        var request = new Request(frame);
        try
        {
            if (!request.ReadFields())
                return null;
        }
        catch (JsonException)
        {
            return null;
        }
        catch (InvalidOperationException)
        {
            // A key with an unpaired surrogate escape has no text.
            return null;
        }
        request.ReadEnvelope();
        return request;
    }

    public string Login() => Login("login");

    /// <summary>The login that the members after it are asked for; null if there is none.</summary>
    public string? AfterLogin() => Has("after") ? Login("after") : null;

    /// <summary>The name of a lobby that the lobbies after it are asked for; null if there is none.</summary>
    public string? AfterLobbyName() => Has("after") ? LobbyName("after") : null;

    /// <summary>
    /// A new password in UTF-8, at most <see cref="Login.PasswordBytesMax"/>; the caller wipes the bytes.
    /// </summary>
    public byte[] Password(string field = "password")
    {
        var password = PasswordAttempt(field);
        if (password.Length > Protocol.Login.PasswordBytesMax)
            return Fail<byte[]>([], field, field + " must be at most 1024 bytes", ErrorCode.TooLarge);
        if (password.Length < Protocol.Login.PasswordBytesMin)
            return Fail(password, field, field + " must be at least 8 bytes");
        return password;
    }

    /// <summary>
    /// A password that is compared, not set: one of a length that none can have is a wrong password, not a bad form.
    /// </summary>
    public byte[] PasswordAttempt(string field = "password") =>
        Encoding.UTF8.GetBytes(Text(Encoding.UTF8.GetBytes(field), field));

    public string LobbyName() => LobbyName("lobby_name");

    public LobbyAddress Lobby()
    {
        var hasName = Find("lobby_name"u8) is not null;
        var hasId = Find("lobby_id"u8) is not null;
        if (!hasName && !hasId)
            return Fail(default(LobbyAddress), "lobby_name", "lobby_name or lobby_id is required");
        return new LobbyAddress(hasName ? LobbyName() : null, hasId ? LobbyId() : null);
    }

    public Guid LobbyId() => Uuid("lobby_id"u8, "lobby_id");

    public Guid PublicToken() => Uuid("public_token"u8, "public_token");

    /// <summary>128 bits that make an action happen once; null if there is none.</summary>
    public Guid? Nonce() => Find("nonce"u8) is null ? null : Uuid("nonce"u8, "nonce");

    /// <summary>The rights asked for, always with <see cref="Rights.Read"/>; the default if there are none.</summary>
    public Rights Rights()
    {
        const string Message = "rights must be an array of read, write, invite and admin, each at most once";
        if (Find("rights"u8) is not { } field)
            return Protocol.Rights.Default;
        if (field.Type != JsonTokenType.StartArray || field.HasLoneSurrogate)
            return Fail(Protocol.Rights.None, "rights", Message);
        var reader = ReaderOf(Value(field));
        reader.Read();
        var rights = Protocol.Rights.None;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            var right = reader.TokenType == JsonTokenType.String ? RightName.Parse(reader.GetString()) : null;
            if (right is null || rights.HasFlag(right.Value))
                return Fail(Protocol.Rights.None, "rights", Message);
            rights |= right.Value;
        }
        return rights | Protocol.Rights.Read;
    }

    /// <summary>The exact bytes of <c>row_data</c>: a slice of the frame.</summary>
    public RawJson RowData()
    {
        if (Find("row_data"u8) is not { } field)
            return Fail(default(RawJson), "row_data", "row_data is required");
        if (field.Nesting > NestingMax)
            return Fail(default(RawJson), "row_data", "row_data must nest at most 32 levels");
        if (field.HasLoneSurrogate)
            return Fail(default(RawJson), "row_data", "row_data must not have an unpaired surrogate escape");
        return new RawJson(_frame[field.Start..field.End]);
    }

    /// <summary>An integer from <paramref name="min"/> to <paramref name="max"/>; null if there is none.</summary>
    public long? Integer(string name, long min, long max)
    {
        if (Find(name) is not { } field)
            return null;
        if (field.Type == JsonTokenType.Number && ReadInteger(field) is { } value && value >= min && value <= max)
            return value;
        return Fail<long?>(null, name, string.Create(null, $"{name} must be an integer from {min} to {max}"));
    }

    /// <summary>A string; null if there is none.</summary>
    public string? OptionalText(string name) =>
        Find(name) is null ? null : Text(Encoding.UTF8.GetBytes(name), name);

    /// <summary>Whether the request has the field <paramref name="name"/>, of whatever type.</summary>
    public bool Has(string name) => Find(name) is not null;

    /// <summary>An object or a list; null if there is none, or if it has not the form of one.</summary>
    internal T? Part<T>(string name) where T : class
    {
        if (Find(name) is not { } field)
            return null;
        try
        {
            if (!field.HasLoneSurrogate && WireJson.Part<T>(Value(field)) is { } part)
                return part;
        }
        catch (JsonException)
        {
            // Refused below.
        }
        return Fail<T?>(null, name, name + " has not the form that docs/sealing.md gives it");
    }

    /// <summary>Notes that <paramref name="name"/> is at fault, unless an earlier field is.</summary>
    public void Reject(string name, string message, string code = ErrorCode.BadRequest) =>
        Fail(0, name, message, code);

    /// <summary>Never what it holds: requests carry secrets.</summary>
    public override string ToString() => nameof(Request);

    string Login(string field)
    {
        var text = Text(Encoding.UTF8.GetBytes(field), field);
        return Protocol.Login.Canonical(text)
            ?? Fail("", field, field + " must be 1 to 64 characters out of A-Z a-z 0-9 . _ -");
    }

    string LobbyName(string field)
    {
        var text = Text(Encoding.UTF8.GetBytes(field), field);
        if (Refusal is not null)
            return "";
        if (Protocol.LobbyName.Canonical(text) is { } name)
            return name;
        return Encoding.UTF8.GetByteCount(text) > Protocol.LobbyName.BytesMax
            ? Fail("", field, field + " must be at most 255 bytes", ErrorCode.TooLarge)
            : Fail("", field, field + " must be 1 to 128 characters without control or format characters "
                + "and without blanks at its ends");
    }

    bool ReadFields()
    {
        var reader = ReaderOf(_frame.Span);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            return false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var field = new Field { NameStart = (int)reader.TokenStartIndex + 1, NameLength = reader.ValueSpan.Length };
            if (reader.ValueIsEscaped)
                field.UnescapedName = reader.GetString();
            reader.Read();
            ReadValue(ref reader, ref field);
            if (!Add(field))
                return false;
        }
        // Anything after the object makes this throw.
        return !reader.Read();
    }

    static void ReadValue(ref Utf8JsonReader reader, ref Field field)
    {
        field.Type = reader.TokenType;
        field.IsEscaped = reader.ValueIsEscaped;
        field.Start = (int)reader.TokenStartIndex;
        var depth = reader.CurrentDepth;
        if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
        {
            do
            {
                field.Nesting = Math.Max(field.Nesting, reader.CurrentDepth - depth
                    + (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray ? 1 : 0));
                NoteSurrogates(ref reader, ref field);
                reader.Read();
            }
            while (reader.CurrentDepth > depth);
        }
        NoteSurrogates(ref reader, ref field);
        field.End = (int)reader.BytesConsumed;
    }

    static void NoteSurrogates(ref Utf8JsonReader reader, ref Field field)
    {
        if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && reader.ValueIsEscaped)
            field.HasLoneSurrogate |= Surrogates.HasLoneEscape(reader.ValueSpan);
    }

    // False if the key is there already.
    bool Add(in Field field)
    {
        if (_keys is null && _fieldCount == PairwiseKeysMax)
            _keys = [.. _fields.AsSpan(0, _fieldCount).ToArray().Select(NameOf)];
        if (_keys is not null)
        {
            if (!_keys.Add(NameOf(field)))
                return false;
        }
        else
        {
            for (var index = 0; index < _fieldCount; index++)
            {
                if (HasSameName(_fields[index], field))
                    return false;
            }
        }
        if (_fieldCount == _fields.Length)
            Array.Resize(ref _fields, 2 * _fieldCount);
        _fields[_fieldCount++] = field;
        return true;
    }

    bool HasSameName(in Field left, in Field right) =>
        left.UnescapedName is null && right.UnescapedName is null
            ? RawName(left).SequenceEqual(RawName(right))
            : string.Equals(NameOf(left), NameOf(right), StringComparison.Ordinal);

    string NameOf(Field field) => field.UnescapedName ?? Encoding.UTF8.GetString(RawName(field));

    ReadOnlySpan<byte> RawName(in Field field) => _frame.Span.Slice(field.NameStart, field.NameLength);

    ReadOnlySpan<byte> Value(in Field field) => _frame.Span[field.Start..field.End];

    Field? Find(string name)
    {
        Span<byte> utf8 = stackalloc byte[64];
        return Find(utf8[..Encoding.UTF8.GetBytes(name, utf8)]);
    }

    Field? Find(ReadOnlySpan<byte> name)
    {
        for (var index = 0; index < _fieldCount; index++)
        {
            ref readonly var field = ref _fields[index];
            if (field.UnescapedName is null
                ? RawName(field).SequenceEqual(name)
                : Encoding.UTF8.GetBytes(field.UnescapedName).AsSpan().SequenceEqual(name))
                return field;
        }
        return null;
    }

    void ReadEnvelope()
    {
        if (Find("id"u8) is { } id)
        {
            var isText = id.Type == JsonTokenType.String
                && Unescape(id)?.EnumerateRunes().Take(IdLengthMax + 1).Count() <= IdLengthMax;
            var isNumber = id.Type == JsonTokenType.Number && id.End - id.Start <= IdLengthMax;
            if (isText || isNumber)
                Id = new RawJson(Value(id).ToArray());
            else if (id.Type != JsonTokenType.Null)
                Fail(0, "id", "id must be a string of at most 64 characters or a number");
        }
        if (Find("action"u8) is { Type: JsonTokenType.String } action && ReadAction(action) is { } name)
            Action = name;
        else
            Fail(0, "action", "action must be a string");
    }

    string Text(ReadOnlySpan<byte> utf8Name, string name)
    {
        if (Find(utf8Name) is not { } field)
            return Fail("", name, name + " is required");
        if (field.Type != JsonTokenType.String)
            return Fail("", name, name + " must be a string");
        return Unescape(field) ?? Fail("", name, name + " must not have an unpaired surrogate escape");
    }

    string? Unescape(in Field field)
    {
        if (field.HasLoneSurrogate)
            return null;
        var reader = ReaderOf(Value(field));
        reader.Read();
        return reader.GetString();
    }

    Guid Uuid(ReadOnlySpan<byte> utf8Name, string name)
    {
        if (Find(utf8Name) is { Type: JsonTokenType.String } field && ReadUuid(field) is { } uuid)
            return uuid;
        Text(utf8Name, name);
        return Fail(Guid.Empty, name, name + " must be a UUID");
    }

    // Without a string for what nearly every request carries.
    Guid? ReadUuid(in Field field)
    {
        if (!field.IsEscaped)
            return Protocol.Uuid.TryParse(Value(field)[1..^1], out var uuid) ? uuid : null;
        return Unescape(field) is { } text && Protocol.Uuid.TryParse(Encoding.UTF8.GetBytes(text), out var escaped)
            ? escaped
            : null;
    }

    string? ReadAction(in Field field) =>
        Value(field).SequenceEqual("\"message\""u8) ? ActionName.Message : Unescape(field);

    long? ReadInteger(in Field field)
    {
        var reader = ReaderOf(Value(field));
        reader.Read();
        return reader.TryGetInt64(out var value) ? value : null;
    }

    static Utf8JsonReader ReaderOf(ReadOnlySpan<byte> utf8) =>
        // How deep row_data may nest is checked by hand, so that deeper is a bad field and not bad JSON.
        new(utf8, new JsonReaderOptions { MaxDepth = int.MaxValue });

    T Fail<T>(T unusable, string field, string message, string code = ErrorCode.BadRequest)
    {
        Refusal ??= new Refusal(code, message, field);
        return unusable;
    }

    struct Field
    {
        public int NameStart, NameLength, Start, End, Nesting;
        public string? UnescapedName;
        public JsonTokenType Type;
        public bool HasLoneSurrogate, IsEscaped;
    }
}
