using System.Text.Json;
using Conclave.Protocol;

namespace Conclave.Tests.Support;

/// <summary>
/// Holds what passes over one connection against docs/asyncapi.yaml, whatever the test that made it is about. Of what
/// the server sends, the first frames of each kind are looked at; of the requests, the first of the connection, once
/// the server has taken them for well formed. So a flood costs little, and a test may send what it likes.
/// </summary>
sealed class WireRecorder
{
    const int FramesOfAKindMax = 50;
    const int RequestsMax = 100;

    // What the server ignores may nest as deep as it likes.
    static readonly JsonDocumentOptions AnyDepth = new() { MaxDepth = int.MaxValue };

    static readonly HashSet<string> Actions = [.. WireDocument.Current.NamesOf(".request")];

    // After the form come the token, which may be of any, and what is not for a schema to say.
    static readonly string[] FormCodes = [ErrorCode.BadJson, ErrorCode.BadRequest, ErrorCode.BadToken,
        ErrorCode.TooLarge, ErrorCode.UnknownAction, ErrorCode.BadEncoding, ErrorCode.BadWraps, ErrorCode.WeakKdf];

    readonly Lock _gate = new();
    readonly Dictionary<string, int> _frameCounts = new(StringComparer.Ordinal);
    readonly Queue<ReadOnlyMemory<byte>> _unanswered = new();
    int _requestCount;

    /// <summary>Notes a whole message of the client, which gets a reply.</summary>
    public void Sent(ReadOnlyMemory<byte> message)
    {
        lock (_gate)
            _unanswered.Enqueue(++_requestCount <= RequestsMax ? message : default);
    }

    /// <summary>Looks at a frame of the server.</summary>
    public void Received(ReadOnlyMemory<byte> frame)
    {
        var kind = KindOf(frame.Span, out var isReply);
        ReadOnlyMemory<byte> request = default;
        lock (_gate)
        {
            if (isReply)
                _unanswered.TryDequeue(out request);
            var count = _frameCounts.GetValueOrDefault(kind);
            _frameCounts[kind] = count + 1;
            if (count >= FramesOfAKindMax)
                return;
        }
        using var read = JsonDocument.Parse(frame, AnyDepth);
        Hold(kind, read.RootElement);
        if (!request.IsEmpty)
            CheckRequest(request, read.RootElement);
    }

    // Requests are answered in their order, so the oldest one is what a reply answers.
    static void CheckRequest(ReadOnlyMemory<byte> request, JsonElement reply)
    {
        if (reply.TryGetProperty("error", out var error) && FormCodes.Contains(error.GetProperty("code").GetString()))
            return;
        // By plain HTTP some are turned away unread.
        if (reply.GetProperty("action").GetString() is not { } action)
            return;
        using var read = JsonDocument.Parse(request, AnyDepth);
        Hold(action + ".request", read.RootElement);
        Assert.Equal(action, read.RootElement.GetProperty("action").GetString());
        var id = read.RootElement.TryGetProperty("id", out var given) ? given.GetRawText() : "null";
        Assert.Equal(id, reply.GetProperty("id").GetRawText());
    }

    static void Hold(string message, JsonElement payload)
    {
        const int ShownMax = 1000;
        if (WireDocument.Current.FaultOf(message, payload) is not { } fault)
            return;
        var text = payload.GetRawText();
        Assert.Fail($"{fault}\n{text[..Math.Min(text.Length, ShownMax)]}");
    }

    // What decides stands before anything long.
    static string KindOf(ReadOnlySpan<byte> frame, out bool isReply)
    {
        var reader = new Utf8JsonReader(frame);
        string? action = null;
        isReply = false;
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString();
            reader.Read();
            switch (name)
            {
                case "event":
                    return reader.GetString() + ".event";
                case "action":
                    action = reader.GetString();
                    break;
                case "ok":
                    isReply = true;
                    if (reader.GetBoolean())
                        return action + ".reply";
                    return action is null ? "unread.refusal"
                        : Actions.Contains(action) ? action + ".refusal"
                        : "unknown.refusal";
                default:
                    reader.Skip();
                    break;
            }
        }
        throw new InvalidOperationException("a frame that is neither an event nor a reply");
    }
}
