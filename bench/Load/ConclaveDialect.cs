using System.Buffers.Binary;
using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Conclave.Bench.Load.Sealed;

namespace Conclave.Bench.Load;

/// <summary>
/// JSON over WebSocket, as docs/protocol.md has it, read by searching for the few fields that matter. Frames go out
/// with a mask of zeros, which is a mask like any other and leaves the digits where they can be changed.
/// </summary>
sealed class ConclaveDialect(string authority) : Dialect
{
    const byte Text = 0x81;
    const byte Close = 0x88;
    const byte PingCode = 0x89;
    const byte PongCode = 0x8A;

    // Ids have as many digits from the first on.
    const long IdBase = 1_000_000_000_000;
    const int IdDigits = 13;

    static readonly byte[] EndOfHead = [.. "\r\n\r\n"u8];

    readonly Dictionary<int, string> _lobbyIds = [];

    // Of all nonces of this run.
    readonly string _run = Guid.NewGuid().ToString()[..24];

    public override byte[] Handshake { get; } = Encoding.ASCII.GetBytes(
        $"GET /ws HTTP/1.1\r\nHost: {authority}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        + "Sec-WebSocket-Version: 13\r\n"
        + $"Sec-WebSocket-Key: {Convert.ToBase64String(RandomNumberGenerator.GetBytes(16))}\r\n\r\n");

    public override bool TryRead(Link link, Span<byte> bytes, out Frame frame, out int consumed)
    {
        frame = default;
        consumed = 0;
        if (!link.IsUpgraded)
            return TryReadHead(bytes, ref frame, out consumed);
        if (bytes.Length < 2)
            return false;
        var (head, length) = bytes[1] switch
        {
            < 126 => (2, (long)bytes[1]),
            126 when bytes.Length >= 4 => (4, BinaryPrimitives.ReadUInt16BigEndian(bytes[2..])),
            127 when bytes.Length >= 10 => (10, BinaryPrimitives.ReadInt64BigEndian(bytes[2..])),
            _ => (0, 0),
        };
        if (head == 0 || bytes.Length < head + length)
            return false;
        consumed = head + (int)length;
        ReadMessage(bytes[0], bytes[head..consumed], ref frame);
        return true;
    }

    public override byte[]? Greet(int user) =>
        Request($$"""{"action":"whoami","token":"{{TokenOf(user)}}"}""");

    public override byte[]? SignIn(int user) =>
        Request($$"""{"action":"auth","login":"bench-{{user}}","password":"bench password"}""");

    public override byte[]? FindLobby(int lobby) => _lobbyIds.ContainsKey(lobby)
        ? null
        : Request($$"""{"action":"lobby_id","lobby_name":"bench-{{lobby}}"}""");

    public override void Learn(int lobby, ReadOnlySpan<byte> answer)
    {
        var field = "\"lobby_id\":\""u8;
        _lobbyIds[lobby] = Encoding.ASCII.GetString(answer.Slice(answer.IndexOf(field) + field.Length, 36));
    }

    public override byte[] Subscribe(int user, int lobby, long? after)
    {
        var token = user < 0 ? "" : $"\"token\":\"{TokenOf(user)}\",";
        var position = after is null ? "" : string.Create(CultureInfo.InvariantCulture, $",\"after\":{after}");
        return Request($$"""{"action":"subscribe",{{token}}"lobby_id":"{{_lobbyIds[lobby]}}"{{position}}}""");
    }

    public override byte[] ReadPage(int user, int lobby, long after, int countMax) => Request(
        string.Create(CultureInfo.InvariantCulture, $$"""
            {"action":"history","token":"{{TokenOf(user)}}","lobby_id":"{{_lobbyIds[lobby]}}",
            "after":{{after}},"limit":{{countMax}}}
            """));

    /// <summary>Asks a sealed lobby for its roster.</summary>
    public byte[] ReadRoster(int user, int lobby, long after) => Request(string.Create(CultureInfo.InvariantCulture,
        $$"""{"action":"roster","token":"{{TokenOf(user)}}","lobby_id":"{{_lobbyIds[lobby]}}","after":{{after}}}"""));

    /// <summary>Asks a sealed lobby for the user's keys.</summary>
    public byte[] ReadKeys(int user, int lobby) =>
        Request($$"""{"action":"my_keys","token":"{{TokenOf(user)}}","lobby_id":"{{_lobbyIds[lobby]}}"}""");

    public override bool TryReadEntry(ref ReadOnlySpan<byte> page, out Frame entry)
    {
        entry = default;
        var at = page.IndexOf("{\"event\":\""u8);
        if (at < 0)
            return false;
        page = page[at..];
        var end = page[1..].IndexOf("{\"event\":\""u8) + 1;
        end = end == 0 ? page.Length : end;
        ReadEvent(page[..end], ref entry);
        page = page[end..];
        return true;
    }

    public override PostForm CreatePost(int user, int lobby, Payload payload)
    {
        var body = Encoding.ASCII.GetString(payload.Create(user));
        return new Form(PostFrame(user, lobby, _run + "000000000000", body));
    }

    /// <summary>A post of which <paramref name="shelf"/>, which is filled, has row and nonce.</summary>
    public PostForm CreateSealedPost(int lobby, SealedShelf shelf)
    {
        // All rows have the same size.
        var number = shelf.Limit - 1;
        return new SealedForm(
            PostFrame(
                shelf.User, lobby, Encoding.ASCII.GetString(shelf.Nonce(number)),
                Encoding.ASCII.GetString(shelf.Row(number))),
            shelf);
    }

    public override byte[] Pong(ReadOnlySpan<byte> body) => Masked(PongCode, body);

    byte[] PostFrame(int user, int lobby, string nonce, string body) => Request($$"""
        {"action":"message","token":"{{TokenOf(user)}}","lobby_id":"{{_lobbyIds[lobby]}}",
        """ + $$"""
        "nonce":"{{nonce}}","id":{{IdBase}},"row_data":{{body}}}
        """);

    static string TokenOf(int user) => "10000000-0000-4000-8000-" + user.ToString("x12", CultureInfo.InvariantCulture);

    static byte[] Request(string json) => Masked(Text, Encoding.UTF8.GetBytes(json));

    static byte[] Masked(byte code, ReadOnlySpan<byte> body)
    {
        byte[] head = body.Length < 126
            ? [code, (byte)(0x80 | body.Length)]
            : [code, 0x80 | 126, (byte)(body.Length >> 8), (byte)body.Length];
        return body.Length <= ushort.MaxValue
            ? [.. head, 0, 0, 0, 0, .. body]
            : throw new LoadException("requests of more than 64 KiB are not measured");
    }

    static bool TryReadHead(Span<byte> bytes, ref Frame frame, out int consumed)
    {
        consumed = bytes.IndexOf(EndOfHead) + EndOfHead.Length;
        if (consumed < EndOfHead.Length)
            return false;
        var isUpgraded = bytes.StartsWith("HTTP/1.1 101 "u8);
        frame.Kind = isUpgraded ? FrameKind.Upgraded : FrameKind.Refused;
        frame.Body = bytes[..consumed];
        return true;
    }

    static void ReadMessage(byte code, Span<byte> text, ref Frame frame)
    {
        frame.Body = text;
        if (code != Text)
            frame.Kind = code == PingCode ? FrameKind.Ping : FrameKind.Refused;
        else if (text.StartsWith("{\"event\":"u8))
            ReadEvent(text, ref frame);
        else
            ReadReply(text, ref frame);
    }

    // An event without a seq is a hint, which no workload asks for.
    static void ReadEvent(ReadOnlySpan<byte> text, ref Frame frame)
    {
        if (!TryNumber(text, "\"seq\":"u8, out frame.Seq))
            return;
        frame.Kind = FrameKind.Entry;
        var at = text.IndexOf("\"row_data\":"u8);
        var body = at < 0 ? default : text[(at + "\"row_data\":".Length)..];
        // A string without escapes, which ends with its second quote; in a sealed lobby an object around one.
        var end = body.Length < 2 ? -1 : body[0] == '{' ? body.IndexOf("\"}"u8) : body[1..].IndexOf((byte)'"');
        frame.Body = end < 0 ? default : body[..(end + 2)];
    }

    static void ReadReply(Span<byte> text, ref Frame frame)
    {
        if (text.IndexOf("\"ok\":true"u8) < 0)
        {
            frame.Kind = FrameKind.Refused;
            return;
        }
        frame.Kind = text.IndexOf("\"action\":\"message\""u8) < 0 ? FrameKind.Answer : FrameKind.Ack;
        if (frame.Kind == FrameKind.Answer)
        {
            // history has its events before it.
            TryNumber(text[Math.Max(0, text.LastIndexOf("\"last_seq\":"u8))..], "\"last_seq\":"u8, out frame.Seq);
            return;
        }
        if (!TryNumber(text, "\"id\":"u8, out frame.Id) || !TryNumber(text, "\"seq\":"u8, out frame.Seq)
            || text.IndexOf("\"duplicate\""u8) >= 0)
            frame.Kind = FrameKind.Refused;
        frame.Id = (uint)(frame.Id - IdBase);
    }

    static bool TryNumber(ReadOnlySpan<byte> text, ReadOnlySpan<byte> field, out long value)
    {
        var at = text.IndexOf(field);
        value = -1;
        return at >= 0 && Utf8Parser.TryParse(text[(at + field.Length)..], out value, out _);
    }

    class Form : PostForm
    {
        readonly int _idAt;

        public Form(byte[] frame)
            : base(frame)
        {
            NonceAt = frame.AsSpan().IndexOf("\"nonce\":"u8) + "\"nonce\":\"".Length;
            _idAt = frame.AsSpan().IndexOf("\"id\":"u8) + "\"id\":".Length;
            BodyAt = frame.AsSpan().IndexOf("\"row_data\":"u8) + "\"row_data\":".Length;
        }

        protected int NonceAt { get; }

        protected int BodyAt { get; }

        public sealed override void Fill(Span<byte> frame, long number)
        {
            Utf8Formatter.TryFormat(IdBase + (uint)number, frame.Slice(_idAt, IdDigits), out _);
            FillContent(frame, number);
        }

        protected virtual void FillContent(Span<byte> frame, long number)
        {
            Payload.WriteHex(frame.Slice(NonceAt + 24, 12), number);
            Payload.SetNumber(frame[BodyAt..], number);
        }
    }

    sealed class SealedForm(byte[] frame, SealedShelf shelf) : Form(frame)
    {
        public override long Limit => shelf.Limit;

        public override void Place(long number, long seq) => shelf.Place(number, seq);

        protected override void FillContent(Span<byte> frame, long number)
        {
            shelf.Nonce(number).CopyTo(frame[NonceAt..]);
            shelf.Row(number).CopyTo(frame[BodyAt..]);
        }
    }
}
