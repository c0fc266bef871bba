using System.Globalization;
using System.Text;
using System.Text.Json;
using Conclave.Client.Texts;
using Conclave.Protocol;
using Conclave.Sdk;

namespace Conclave.Client;

/// <summary>
/// Turns what a person typed into what the SDK takes, and says in words what is wrong with it before the server is
/// asked. Every method throws <see cref="ClientException"/> with <see cref="ExitCode.Usage"/>.
/// </summary>
sealed class Input(Language language)
{
    // Ten years, in seconds.
    const long ExpiresInMax = 315_360_000;

    static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    SayTexts Say => language.Say;

    public Uri Server(string typed)
    {
        var known = Uri.TryCreate(typed.Trim(), UriKind.Absolute, out var server)
            && server.Scheme is "http" or "https" or "ws" or "wss";
        // What stands before an @ is a password, which neither this program nor the server has a use for.
        if (!known || server!.UserInfo.Length > 0 || server.Host.Length == 0)
            throw Wrong(Say.BadServer(ShownServer(typed)), Say.BadServerHint);
        return server;
    }

    public string Login(string typed) =>
        Protocol.Login.Canonical(typed) ?? throw Wrong(Say.BadLogin(SafeText.OneLine(typed)), Say.BadLoginHint);

    /// <summary><paramref name="typed"/> itself, if it can be the password of a new user.</summary>
    public string NewPassword(string typed) =>
        Encoding.UTF8.GetByteCount(typed) switch
        {
            < Protocol.Login.PasswordBytesMin => throw Wrong(Say.PasswordTooShort, Say.BadPasswordHint),
            > Protocol.Login.PasswordBytesMax => throw Wrong(Say.PasswordTooLong, Say.BadPasswordHint),
            _ => typed,
        };

    public Guid SessionId(string typed) =>
        Guid.TryParseExact(typed, "D", out var sessionId)
            ? sessionId
            : throw Wrong(Say.BadSession(SafeText.OneLine(typed)), Say.BadSessionHint);

    public string NewLobbyName(string typed) =>
        LobbyName.Canonical(typed) ?? throw Wrong(Say.BadLobbyName(SafeText.OneLine(typed)), Say.BadLobbyNameHint);

    /// <summary>A lobby by its id, if it looks like one, else by its name.</summary>
    public LobbyRef Lobby(string typed) =>
        Guid.TryParseExact(typed, "D", out var id) ? new LobbyRef(id) : new LobbyRef(NewLobbyName(typed));

    /// <summary>The number of an entry, with or without the # that it is shown with.</summary>
    public long EntryNumber(string typed) =>
        long.TryParse(typed.TrimStart('#'), NumberStyles.None, CultureInfo.InvariantCulture, out var seq) && seq > 0
            ? seq
            : throw Wrong(Say.BadEntryNumber(SafeText.OneLine(typed)), Say.BadEntryNumberHint);

    /// <summary>A time in seconds, or with s, m, h or d behind the number.</summary>
    public TimeSpan ExpiresIn(string typed)
    {
        var unit = typed.Length > 0 && !char.IsAsciiDigit(typed[^1]) ? typed[^1] : 's';
        var seconds = unit switch
        {
            's' => 1,
            'm' => 60,
            'h' => 60 * 60,
            'd' => 24 * 60 * 60,
            _ => 0,
        };
        return int.TryParse(typed.TrimEnd(unit), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            && count * (long)seconds is > 0 and <= ExpiresInMax
            ? TimeSpan.FromSeconds(count * (long)seconds)
            : throw Wrong(Say.BadTime(SafeText.OneLine(typed)), Say.BadTimeHint);
    }

    /// <summary>A lobby's id: what a person decides about, since a server could lead a name elsewhere.</summary>
    public Guid LobbyId(string typed) =>
        Guid.TryParseExact(typed, "D", out var id)
            ? id
            : throw Wrong(language.Seal.ById(SafeText.OneLine(typed)), Say.BadLobbyNameHint);

    /// <summary>The name of a secret or a file.</summary>
    public string ItemName(string typed)
    {
        var isName = typed.Length > 0 && Encoding.UTF8.GetByteCount(typed) <= 255 && !typed.Any(char.IsControl);
        return isName ? typed : throw Wrong(language.Seal.BadName(SafeText.OneLine(typed)), language.Seal.BadNameHint);
    }

    /// <summary>The parts of a secret: a JSON object of strings.</summary>
    public IReadOnlyDictionary<string, string> Fields(string typed)
    {
        try
        {
            using var json = JsonDocument.Parse(typed);
            if (json.RootElement is { ValueKind: JsonValueKind.Object } parts && parts.EnumerateObject().Any()
                && parts.EnumerateObject().All(part => part.Value.ValueKind == JsonValueKind.String))
            {
                return parts.EnumerateObject().ToDictionary(
                    part => part.Name, part => part.Value.GetString()!, StringComparer.Ordinal);
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or ArgumentException)
        {
            // No JSON, half a character, or a name twice: told below in one sentence.
        }
        throw Wrong(language.Seal.NotFields, language.Seal.NotFieldsHint);
    }

    /// <summary>Rights separated by commas or blanks, in any order; <c>read</c> goes without saying.</summary>
    public Rights Rights(string typed)
    {
        var rights = Protocol.Rights.Read;
        var names = typed.Split([',', ' '], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        foreach (var name in names)
        {
            rights |= RightName.Parse(name.ToLowerInvariant())
                ?? throw Wrong(Say.BadRight(SafeText.OneLine(name)), Say.BadRightHint);
        }
        return rights;
    }

    public Content Text(string typed)
    {
        if (typed.Length == 0)
            throw Wrong(Say.NothingToSend, Say.NothingToSendHint);
        try
        {
            return Content.OfText(typed);
        }
        catch (ArgumentException)
        {
            throw Wrong(Say.NotText, Say.NotTextHint);
        }
    }

    public Content JsonValue(string typed)
    {
        try
        {
            return Content.OfJson(typed);
        }
        catch (ArgumentException)
        {
            throw Wrong(Say.NotJson, Say.NotJsonHint);
        }
    }

    /// <summary>
    /// The text in <paramref name="utf8"/>, without the line break that <c>echo</c> puts at its end: one, so that a
    /// text that ends with an empty line can still be sent.
    /// </summary>
    public string Piped(ReadOnlySpan<byte> utf8)
    {
        // Windows programs begin a text with a byte order mark, which is no part of what it says.
        if (utf8.StartsWith("\uFEFF"u8))
            utf8 = utf8[3..];
        try
        {
            var text = StrictUtf8.GetString(utf8);
            var end = text.EndsWith("\r\n", StringComparison.Ordinal) ? 2 : text.EndsWith('\n') ? 1 : 0;
            return text[..^end];
        }
        catch (DecoderFallbackException)
        {
            throw Wrong(Say.NotText, Say.NotTextHint);
        }
    }

    static string ShownServer(string typed) =>
        typed.Contains('@', StringComparison.Ordinal) ? "…@…" : SafeText.OneLine(typed);

    static ClientException Wrong(string message, string hint) => new(ExitCode.Usage, message, hint);
}
