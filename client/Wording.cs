using Conclave.Client.Texts;
using Conclave.Protocol;
using Conclave.Sdk;

namespace Conclave.Client;

/// <summary>Whom and what a command is about, as the user typed it, for saying what went wrong.</summary>
sealed record About(string? Lobby = null, string? Login = null, string? NewName = null);

/// <summary>Puts what the SDK reports into the user's language, with what to do next.</summary>
static class Wording
{
    /// <param name="exception">What the SDK reports.</param>
    /// <param name="language">The language of the user.</param>
    /// <param name="about">Named in the message where the code is about it.</param>
    public static ClientException InWords(ConclaveException exception, Language language, About about) =>
        exception switch
        {
            RefusedException refused => Refused(refused, language, about),
            AlarmException alarm => AlarmWording.Of(alarm, language, about),
            ConflictException conflict => new(
                ExitCode.Conflict, language.Seal.SecretConflict(conflict.Seq), language.Seal.SecretConflictHint),
            StateException => new(
                ExitCode.Error, language.Seal.StateUnusable(SafeText.OneLine(exception.Message.TrimEnd('.'))),
                language.Seal.StateUnusableHint),
            RemovedException => OfCode(ErrorCode.Forbidden, language, about),
            DisconnectedException => new(
                ExitCode.Network, language.Say.ConnectionLost, language.Say.ConnectionLostHint),
            _ => new(ExitCode.Network, SafeText.OneLine(exception.Message)),
        };

    public static ClientException Unreachable(Uri server, Language language) => new(
        ExitCode.Network, language.Say.CannotReach(Address(server)), language.Say.CannotReachHint);

    public static ClientException NotSignedIn(Uri server, SessionStore sessions, Language language)
    {
        var elsewhere = string.Join(", ", sessions.Servers().Select(address => Address(new Uri(address))));
        return new(
            ExitCode.NotSignedIn,
            language.Say.NotSignedIn(Address(server)),
            elsewhere.Length > 0 ? language.Say.SignedInElsewhereHint(elsewhere) : language.Say.NotSignedInHint);
    }

    /// <summary>The address as people write it, without the slash at its end.</summary>
    public static string Address(Uri server) => server.AbsoluteUri.TrimEnd('/');

    static ClientException Refused(RefusedException refused, Language language, About about)
    {
        if (refused is { Code: ErrorCode.BadRequest or ErrorCode.RegistrationClosed, Field: { } field }
            && language.Errors.ByField.TryGetValue(field, out var known))
            return new(ExitCode.Of(refused.Code), known.What, known.Hint);
        var words = OfCode(refused.Code, language, about);
        // Only the server knows which value or which quota it is, and says so in English.
        var message = refused.Code is ErrorCode.BadRequest or ErrorCode.Limit
            ? words.Message + ": " + SafeText.OneLine(refused.Message.TrimEnd('.'))
            : words.Message;
        var hint = refused switch
        {
            { RetryAfter: { } wait } => language.Errors.RetryAfter(Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds))),
            { Trace: { } trace } => language.Errors.Trace(SafeText.OneLine(trace)),
            _ => words.Hint,
        };
        return new(words.ExitCode, message, hint);
    }

    public static ClientException OfCode(string code, Language language, About about)
    {
        var text = language.Alarms.Refusals.GetValueOrDefault(code) ?? language.Errors.Of(SafeText.OneLine(code));
        var subject = code switch
        {
            ErrorCode.NoSuchUser or ErrorCode.LoginTaken or ErrorCode.AlreadyMember or ErrorCode.NotAMember
                or AlarmCode.PlainAccount => about.Login,
            ErrorCode.LobbyNameTaken when about.NewName is not null => about.NewName,
            ErrorCode.NoSuchLobby or ErrorCode.LobbyNameTaken or ErrorCode.Forbidden => about.Lobby,
            _ => null,
        };
        var message = subject is null ? text.What : $"{text.What}: {SafeText.OneLine(subject)}";
        return new(ExitCode.Of(code), message, text.Hint);
    }
}
