using System.Globalization;
using Conclave.Client.Texts;
using Conclave.Sdk;

namespace Conclave.Client;

/// <summary>What <see cref="Report"/> is, for sealing, secrets and files.</summary>
static class SealReport
{
    public static IEnumerable<string> Contact(Contact contact, Language language)
    {
        var seal = language.Seal;
        List<(string Label, string Value)> fields =
        [
            (language.Say.Login, SafeText.OneLine(contact.Login)),
            (seal.Fingerprint, contact.Fingerprint),
            .. Number(seal.SafetyNumber, contact.SafetyNumber),
            (seal.KeyColumn, State(contact, seal)),
        ];
        if (contact.Change is { } change)
        {
            fields.Add((seal.NewFingerprint, change.Fingerprint));
            fields.AddRange(Number(seal.NewSafetyNumber, change.SafetyNumber));
        }
        return Report.Fields([.. fields]);
    }

    /// <summary>A table, or nothing if nobody is known.</summary>
    public static IEnumerable<string> Contacts(IReadOnlyList<Contact> contacts, Language language) => Report.Table(
        [language.Say.Login, language.Seal.KeyColumn, language.Seal.Fingerprint],
        contacts.Select(contact => (IReadOnlyList<string>)
        [
            SafeText.OneLine(contact.Login), State(contact, language.Seal), contact.Fingerprint,
        ]));

    /// <summary>The signed members, who let them in, and whose key was compared.</summary>
    public static IEnumerable<string> Roster(LobbyRoster roster, Language language) => Report.Table(
        [language.Say.Login, language.Say.Rights, language.Seal.InvitedBy, language.Seal.KeyColumn],
        roster.Members.Select(member => (IReadOnlyList<string>)
        [
            SafeText.OneLine(member.Login),
            Report.RightsText(member.Rights),
            member.InvitedBy is { } inviter ? SafeText.OneLine(inviter) : language.Seal.MadeIt,
            State(member.HasChangedKey, member.IsVerified, language.Seal),
        ]));

    public static IEnumerable<string> Code(LobbyCode code, Language language) => Report.Fields(
    [
        (language.Say.Lobby, SafeText.OneLine(code.LobbyName)),
        .. Number(language.Seal.Code, code.Code),
        (language.Seal.AtEntry, string.Create(CultureInfo.InvariantCulture, $"#{code.Seq}")),
    ]);

    /// <summary>A table without the values, or nothing if there is no secret.</summary>
    public static IEnumerable<string> Secrets(IReadOnlyList<Secret> secrets, Language language) => Report.Table(
        [language.Seal.NameColumn, language.Seal.EntryColumn, language.Seal.StoredColumn, language.Seal.ByColumn],
        secrets.Select(secret => (IReadOnlyList<string>)
        [
            SafeText.OneLine(secret.Name),
            string.Create(CultureInfo.InvariantCulture, $"#{secret.Seq}"),
            Report.Time(secret.SentAt),
            SafeText.OneLine(secret.From.Login),
        ]));

    /// <summary>A table, or nothing if there is no file.</summary>
    public static IEnumerable<string> Files(IReadOnlyList<LobbyFile> files, Language language) => Report.Table(
        [
            language.Seal.NameColumn, language.Seal.BytesColumn, language.Seal.TypeColumn, language.Seal.EntryColumn,
            language.Seal.StoredColumn, language.Seal.ByColumn,
        ],
        files.Select(file => (IReadOnlyList<string>)
        [
            SafeText.OneLine(file.Name),
            file.Size.ToString(CultureInfo.InvariantCulture),
            SafeText.OneLine(file.Mime),
            string.Create(CultureInfo.InvariantCulture, $"#{file.Seq}"),
            Report.Time(file.SentAt),
            SafeText.OneLine(file.From.Login),
        ]));

    /// <summary>Which lobbies go on with a new identity, and why others do not.</summary>
    public static IEnumerable<string> Successions(IReadOnlyList<LobbySuccession> lobbies, Language language) =>
        lobbies.Select(lobby =>
        {
            var name = SafeText.OneLine(lobby.LobbyName);
            return lobby.Fault is null
                ? language.Seal.Succeeded(name)
                : language.Seal.NotSucceeded(name, WhyNot(lobby.Fault, language));
        });

    static string WhyNot(string code, Language language) =>
        language.Alarms.ByCode.TryGetValue(code, out var alarm)
            ? alarm.What
            : Wording.OfCode(code, language, new About()).Message;

    /// <summary>Who made a lobby and who let the user in, before it is used for the first time.</summary>
    public static string Introduction(LobbyIntroduction introduction, Language language)
    {
        var seal = language.Seal;
        var lobby = SafeText.OneLine(introduction.LobbyName);
        return introduction.InvitedBy is { } inviter
            ? seal.MadeAndInvited(lobby, Person(introduction.CreatedBy, seal), Person(inviter, seal))
            : seal.MadeBy(lobby, Person(introduction.CreatedBy, seal));
    }

    static string Person(IntroducedPerson person, SealSayTexts seal) =>
        $"{SafeText.OneLine(person.Login)} ({State(person.HasChangedKey, person.IsVerified, seal)})";

    public static string State(Contact contact, SealSayTexts seal) =>
        State(contact.Change is not null, contact.IsVerified, seal);

    // In two lines: people read them to each other, and a line that wraps is where they get lost.
    static (string Label, string Value)[] Number(string label, string digits) =>
        [(label, digits[..(digits.Length / 2)]), ("", digits[(digits.Length / 2 + 1)..])];

    static string State(bool isChanged, bool isVerified, SealSayTexts seal) =>
        isChanged ? seal.KeyChanged : isVerified ? seal.Verified : seal.NotVerified;
}
