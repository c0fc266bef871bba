using Conclave.Client.Texts;
using Conclave.Sdk;

namespace Conclave.Client;

/// <summary>
/// Puts alarms into words: what happened, what it may mean, what to do. They end a command with
/// <see cref="ExitCode.Alarm"/>, and their words never come from the server.
/// </summary>
static class AlarmWording
{
    public static ClientException Of(AlarmException alarm, Language language, About about)
    {
        var subject = alarm switch
        {
            { Login: { } login } => SafeText.OneLine(login),
            { LobbyId: { } id } => Lobby(about.Lobby, id, language),
            _ => about.Lobby ?? about.Login,
        };
        if (alarm is { Seq: { } seq, LobbyId: not null })
            subject = language.Alarms.Entry(seq, subject!);
        return Make(alarm.Code, subject, language);
    }

    /// <summary>What a lobby's server was caught at, before anybody has decided.</summary>
    public static ClientException Of(LobbyAlarm alarm, Guid lobbyId, string? lobby, Language language) =>
        Make(alarm.Code, language.Alarms.Entry(alarm.Seq, Lobby(lobby, lobbyId, language)), language);

    /// <summary>An entry that no honest server has, met while reading.</summary>
    public static ClientException OfRefused(Entry entry, string? lobby, Language language) => Make(
        entry.Fault ?? "", language.Alarms.Entry(entry.Seq, Lobby(lobby, entry.LobbyId, language)), language);

    /// <summary>Somebody whose key is another one than before.</summary>
    public static ClientException Of(Contact contact, Language language)
    {
        var alarm = Make(AlarmCode.KeyChanged, SafeText.OneLine(contact.Login), language);
        var link = contact.Change is { IsSigned: true } ? language.Seal.SignedChange : language.Seal.UnsignedChange;
        return new(alarm.ExitCode, alarm.Message, alarm.Hint, $"{alarm.Meaning}; {link}");
    }

    /// <summary>An account that is plain by the server's word, and whose password is about to be typed.</summary>
    public static ClientException OfPlainAccount(string login, Language language) =>
        Make(AlarmCode.PlainAccount, SafeText.OneLine(login), language);

    static ClientException Make(string code, string? subject, Language language)
    {
        var text = language.Alarms.Of(SafeText.OneLine(code));
        var message = $"{language.Alarms.Alarm}: {text.What}" + (subject is null ? "" : ": " + subject);
        return new(ExitCode.Alarm, message, text.Hint, text.Meaning);
    }

    // By its id people decide; a name, which the server could lead elsewhere, only helps to recognise it.
    static string Lobby(string? typed, Guid id, Language language)
    {
        var isId = typed is null || Guid.TryParse(typed, out _);
        return isId ? id.ToString() : language.Alarms.Lobby(SafeText.OneLine(typed!), id.ToString());
    }
}
