using System.Globalization;
using Conclave.Client.Texts;
using Conclave.Protocol;
using Spectre.Console;

namespace Conclave.Client;

/// <summary>Results as a person reads them: the same words in the commands and in the menu.</summary>
static class Report
{
    /// <summary>The version of a UUID that only sealed lobbies have (docs/sealing.md, section 4).</summary>
    const int SealedVersion = 8;

    /// <summary>Labels and values under each other.</summary>
    public static IEnumerable<string> Fields(params IReadOnlyList<(string Label, string Value)> fields)
    {
        var width = fields.Max(field => field.Label.GetCellWidth());
        return fields.Select(field => Pad(field.Label, width) + "  " + field.Value);
    }

    /// <summary>Columns under their headers; the last one is as wide as it likes.</summary>
    public static IEnumerable<string> Table(IReadOnlyList<string> headers, IEnumerable<IReadOnlyList<string>> rows)
    {
        List<IReadOnlyList<string>> lines = [headers, .. rows];
        if (lines.Count == 1)
            return [];
        var widths = headers.Select((_, column) => lines.Max(line => line[column].GetCellWidth())).ToArray();
        return lines.Select(line =>
            string.Join("  ", line.Select((cell, column) => Pad(cell, widths[column]))).TrimEnd());
    }

    public static IEnumerable<string> User(RegisterReply user, Language language) => Fields(
        (language.Say.Login, SafeText.OneLine(user.Login)),
        (language.Say.PublicToken, user.PublicToken.ToString()));

    public static IEnumerable<string> User(UserReply user, Language language) => Fields(
        (language.Say.Login, SafeText.OneLine(user.Login)),
        (language.Say.PublicToken, user.PublicToken.ToString()),
        (language.Say.Registered, Time(user.RegisteredAt)));

    public static IEnumerable<string> Self(UserReply user, Uri server, Language language) => Fields(
        (language.Say.Server, Wording.Address(server)),
        (language.Say.Login, SafeText.OneLine(user.Login)),
        (language.Say.PublicToken, user.PublicToken.ToString()),
        (language.Say.Registered, Time(user.RegisteredAt)));

    public static IEnumerable<string> Session(AuthReply session, Uri server, Language language) => Fields(
        (language.Say.Server, Wording.Address(server)),
        (language.Say.Login, SafeText.OneLine(session.Login)),
        (language.Say.SignedInUntil, Time(session.ExpiresAt)));

    public static IEnumerable<string> NewLobby(CreateLobbyReply lobby, Language language) => Fields(
        (language.Say.Lobby, SafeText.OneLine(lobby.LobbyName)),
        (language.Say.LobbyId, lobby.LobbyId.ToString()),
        (language.Seal.Kind, Kind(lobby.LobbyId, language)));

    public static IEnumerable<string> Lobby(LobbyReply lobby, Language language) => Fields(
        (language.Say.Lobby, SafeText.OneLine(lobby.LobbyName)),
        (language.Say.LobbyId, lobby.LobbyId.ToString()),
        (language.Say.CreatedBy, SafeText.OneLine(lobby.CreatedBy.Login)),
        (language.Say.CreatedAt, Time(lobby.CreatedAt)),
        (language.Seal.Kind, Kind(lobby.LobbyId, language)));

    /// <summary>Whether a lobby is sealed: its id says so, whatever the server says.</summary>
    public static bool IsSealed(Guid lobbyId) => lobbyId.Version == SealedVersion;

    static string Kind(Guid lobbyId, Language language) =>
        IsSealed(lobbyId) ? language.Seal.IsSealed : language.Seal.IsPlain;

    /// <summary>A table, or nothing if there is no lobby.</summary>
    public static IEnumerable<string> Lobbies(IReadOnlyList<OwnLobby> lobbies, Language language) => Table(
        [language.Say.Lobby, language.Say.Rights, language.Say.Entries, language.Say.CreatedBy, language.Say.LobbyId],
        lobbies.Select(lobby => (IReadOnlyList<string>)
        [
            SafeText.OneLine(lobby.LobbyName),
            RightsText(lobby.Rights),
            lobby.LastSeq.ToString(CultureInfo.InvariantCulture),
            SafeText.OneLine(lobby.CreatedBy.Login),
            lobby.LobbyId.ToString(),
        ]));

    public static IEnumerable<string> Members(IReadOnlyList<Member> members, Language language) => Table(
        [language.Say.Login, language.Say.Rights, language.Say.Since, language.Say.PublicToken],
        members.Select(member => (IReadOnlyList<string>)
        [
            SafeText.OneLine(member.Login),
            RightsText(member.Rights),
            Time(member.Since),
            member.PublicToken.ToString(),
        ]));

    /// <summary>A table of sessions; the one that asks is marked.</summary>
    public static IEnumerable<string> Sessions(IReadOnlyList<OwnSession> sessions, Language language) => Table(
        [language.Say.SessionColumn, language.Say.LastUsed, language.Say.CreatedAt, language.Say.ProgramColumn, ""],
        sessions.Select(session => (IReadOnlyList<string>)
        [
            session.SessionId.ToString(),
            Time(session.LastUsedAt),
            Time(session.CreatedAt),
            SessionFrom(session),
            session.Current ? language.Say.ThisSession : "",
        ]));

    /// <summary>Which program signed in from where, as far as that is known.</summary>
    public static string SessionFrom(OwnSession session) =>
        SafeText.OneLine(string.Join(' ', new[] { session.Client, session.Address }.OfType<string>()));

    public static string Invited(InviteLobbyReply invitation, string lobby, Language language) =>
        language.Say.Invited(
            SafeText.OneLine(invitation.Login), SafeText.OneLine(lobby), RightsText(invitation.Rights));

    public static string RightsSet(string login, string lobby, Rights rights, Language language) =>
        language.Say.RightsSet(SafeText.OneLine(login), SafeText.OneLine(lobby), RightsText(rights));

    public static string Removed(string login, string lobby, Language language) =>
        language.Say.Removed(SafeText.OneLine(login), SafeText.OneLine(lobby));

    public static string HasLeft(string lobby, Language language) => language.Say.HasLeft(SafeText.OneLine(lobby));

    public static string Renamed(string lobby, string name, Language language) =>
        language.Say.Renamed(SafeText.OneLine(lobby), SafeText.OneLine(name));

    public static string Deleted(string lobby, Language language) => language.Say.Deleted(SafeText.OneLine(lobby));

    public static string Erased(string lobby, long seq, Language language) =>
        language.Say.Erased(SafeText.OneLine(lobby), seq);

    public static string Stored(MessageReply message, string lobby, Language language) =>
        language.Say.Stored(SafeText.OneLine(lobby), message.Seq);

    /// <summary>A time in the zone of the user.</summary>
    public static string Time(DateTimeOffset time) =>
        time.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    /// <summary>The names of rights as they are typed and sent.</summary>
    public static string RightsText(Rights rights) => string.Join(", ", RightName.NamesOf(rights));

    static string Pad(string text, int width) => text + new string(' ', Math.Max(0, width - text.GetCellWidth()));
}
