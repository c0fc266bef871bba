using System.Globalization;
using System.Text.Json;
using Conclave.Client.Texts;
using Conclave.Protocol;
using Conclave.Sdk;

namespace Conclave.Client;

/// <summary>Entries of a log as a person reads them; what cannot be trusted is marked, or not shown.</summary>
static class EntryReport
{
    /// <summary>An entry: number, time, author, what happened.</summary>
    public static string Line(Entry entry, Language language)
    {
        var place = string.Create(CultureInfo.InvariantCulture, $"#{entry.Seq}  {Report.Time(entry.SentAt)}  ");
        // Not even who it is said to be from: that is part of what failed.
        if (entry.Verdict == Verdict.Refused)
            return place + language.Alarms.RefusedEntry(SafeText.OneLine(entry.Fault ?? ""));
        var what = What(entry, language);
        var separator = what.StartsWith('\n') ? "" : "  ";
        return $"{place}{SafeText.OneLine(entry.From.Login)}{Marks(entry, language.Seal)}{separator}{what}";
    }

    // In a plain lobby nobody could be verified, so that a mark would say nothing.
    static string Marks(Entry entry, SealSayTexts seal)
    {
        if (entry.Verdict == Verdict.Plain)
            return "";
        List<string> marks = [];
        if (!entry.IsSenderVerified)
            marks.Add(seal.Unverified);
        if (entry.Verdict == Verdict.Unconfirmed)
            marks.Add(seal.Unconfirmed);
        return marks.Count == 0 ? "" : $" ({string.Join(", ", marks)})";
    }

    static string What(Entry entry, Language language)
    {
        var say = language.Say;
        var member = SafeText.OneLine(entry.Member?.Login ?? "");
        var rights = Report.RightsText(entry.Rights ?? Rights.None);
        return entry.Event switch
        {
            EventName.Message => Message(entry, language),
            EventName.LobbyCreated => say.CreatedLobby,
            EventName.MemberInvited => say.InvitedMember(member, rights),
            EventName.RightsChanged => say.ChangedRights(member, rights),
            EventName.MemberRemoved when entry.Member == entry.From => say.Left,
            EventName.MemberRemoved => say.RemovedMember(member),
            EventName.LobbyRenamed => say.RenamedLobby(SafeText.OneLine(entry.LobbyName)),
            EventName.KeyRotated => language.Seal.RotatedKey,
            EventName.IdentitySucceeded => language.Seal.SucceededIdentity(member),
            _ => SafeText.OneLine(entry.Event),
        };
    }

    static string Message(Entry entry, Language language) => entry switch
    {
        { Verdict: Verdict.Unreadable, Fault: "no_key" } => language.Seal.BeforeYouJoined,
        { Verdict: Verdict.Unreadable } => language.Seal.DoesNotOpen(SafeText.OneLine(entry.Fault ?? "")),
        { Content: { } content } => Content(content, entry.Verdict == Verdict.Plain, language.Seal),
        _ => language.Say.Gone,
    };

    static string Content(Content content, bool isPlain, SealSayTexts seal) => content.Type switch
    {
        "secret" => Secret(content, seal),
        "file" => File(content, seal),
        "chunk" => seal.PieceOfFile,
        "index" => seal.Index,
        // A plain lobby carries any JSON, which may have a member of this name for reasons of its own.
        not null and not "text" when !isPlain => seal.Unsupported(SafeText.OneLine(content.Type)),
        _ => SafeText.Body(content.Text ?? content.Json.ToJson()),
    };

    // Its name only: whoever reads over a shoulder, or a log, should not learn the value by the way.
    static string Secret(Content content, SealSayTexts seal)
    {
        using var json = JsonDocument.Parse(content.Json.Utf8);
        var isGone = Member(json, "gone") is { ValueKind: JsonValueKind.True };
        return isGone ? seal.RetiredSecret(Text(json, "name")) : seal.SetSecret(Text(json, "name"));
    }

    static string File(Content content, SealSayTexts seal)
    {
        using var json = JsonDocument.Parse(content.Json.Utf8);
        return seal.PutFile(Text(json, "name"), Text(json, "size"));
    }

    static string Text(JsonDocument json, string name)
    {
        if (Member(json, name) is not { } value)
            return "?";
        try
        {
            return SafeText.OneLine(value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText());
        }
        catch (InvalidOperationException)
        {
            // Half a character, as an escape: its sender's doing, which must not end the reading.
            return SafeText.OneLine(value.GetRawText());
        }
    }

    static JsonElement? Member(JsonDocument json, string name)
    {
        try
        {
            return json.RootElement.TryGetProperty(name, out var value) ? value : null;
        }
        catch (InvalidOperationException)
        {
            // The same in a name.
            return null;
        }
    }
}
