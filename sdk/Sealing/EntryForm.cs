using Conclave.Protocol;
using Conclave.Roster;
using Conclave.Sdk.Storage;
using Conclave.Sealing;
using RowVerdict = Conclave.Roster.Verdict;

namespace Conclave.Sdk.Sealing;

/// <summary>
/// Makes of a judged row the entry that a caller sees. Who did what to whom comes from the signed roster; of a row that
/// was refused nothing is shown but its place and what is wrong with it.
/// </summary>
/// <param name="follower">The lobby.</param>
/// <param name="keys">The keys at hand.</param>
/// <param name="isVerified">Whether a person has verified whoever has this identity.</param>
/// <param name="now">By this clock content expires.</param>
sealed class EntryForm(LobbyFollower follower, KeyRing keys, Func<IdentityRecord, bool> isVerified, DateTimeOffset now)
{
    RosterBook Book => follower.Book;

    /// <summary>Whether a message could not be opened since its key is not at hand.</summary>
    public bool LacksKey { get; private set; }

    /// <summary>Entries in the same order. Many are opened on every core.</summary>
    public List<Entry> OfAll(List<KeptEntry> kept, int? bodyMax)
    {
        if (kept.Count < 64)
            return [.. kept.Select(entry => Of(entry, bodyMax))];
        var entries = new Entry[kept.Count];
        Parallel.For(0, kept.Count, index => entries[index] = Of(kept[index], bodyMax));
        return [.. entries];
    }

    Entry Of(KeptEntry kept, int? bodyMax)
    {
        if (kept.Fault is { } fault)
            return Bare(kept, Verdict.Refused, fault);
        // One without an author was left out when the rows around it were judged: nobody has looked at it yet.
        if (kept.RowBytes > bodyMax && (kept.Row.Message is not null || kept.Author is null))
            return Omitted(kept);
        if (kept.RowData is null || kept.ExpiresAt <= now)
            return Bare(kept, Verdict.Erased, null);
        // The box in it opens only as what its author has signed, whoever kept it.
        var row = SealedRow.ParseKept(kept.RowData, kept.Row.RowHash);
        return row.Envelope is { } envelope ? Message(kept, envelope) : Change(kept, row.Entry!);
    }

    Entry Message(KeptEntry kept, Envelope envelope)
    {
        var verdict = follower.Open(envelope, kept.Author!.Value, keys, out var opened);
        LacksKey |= verdict == RowVerdict.NoKey;
        var wire = Wire(kept, EventName.Message, nonce: envelope.Id);
        using (opened)
        {
            return opened is null
                ? Make(wire, Verdict.Unreadable, kept, VerdictCode.Of(verdict))
                : Make(wire, Judged, kept, null, ContentForm.ToPlain(opened));
        }
    }

    Entry Change(KeptEntry kept, RosterEntry entry)
    {
        var wire = entry.Change switch
        {
            RosterChange.Create create => Wire(kept, EventName.LobbyCreated, name: create.Name, isCreation: true),
            RosterChange.Invite invite => Wire(
                kept, EventName.MemberInvited, Person(invite.Member), (Rights)invite.Rights),
            RosterChange.Remove remove => Wire(kept, EventName.MemberRemoved, Person(remove.Member)),
            RosterChange.SetRights set => Wire(kept, EventName.RightsChanged, Person(set.Member), (Rights)set.Rights),
            RosterChange.Rotate => Wire(kept, EventName.KeyRotated),
            RosterChange.Succeed succeed => Wire(kept, EventName.IdentitySucceeded, Person(succeed.Successor)),
            RosterChange.Rename rename => Wire(kept, EventName.LobbyRenamed, name: rename.Name),
            _ => throw new InvalidOperationException("The entry changes what nobody knows."),
        };
        return Make(wire, Judged, kept, null);
    }

    Entry Omitted(KeptEntry kept)
    {
        var wire = Wire(kept, EventName.Message, nonce: kept.Row.Message?.Id, omitted: kept.RowBytes);
        return Make(wire, kept.Author is null ? Verdict.Erased : Judged, kept, null);
    }

    Entry Bare(KeptEntry kept, Verdict verdict, string? fault) => Make(
        Wire(kept, EventName.Message, isGone: verdict == Verdict.Erased), verdict, kept, fault);

    Entry Make(LobbyEvent wire, Verdict verdict, KeptEntry kept, string? fault, Content? content = null) =>
        new(wire, verdict, fault, content)
        {
            IsSenderVerified = kept.Author is { } author && Book.Identities.TryGetValue(author, out var identity)
                && isVerified(identity),
        };

    Verdict Judged =>
        follower.Log.IsConfirmed ? Verdict.Verified : Verdict.Unconfirmed;

    LobbyEvent Wire(
        KeptEntry kept, string happening, Person? member = null, Rights? rights = null, string? name = null,
        Guid? nonce = null, bool isGone = false, bool isCreation = false, int? omitted = null) => new()
        {
            Event = happening,
            LobbyId = Book.LobbyId,
            LobbyName = name ?? Book.State?.Name ?? "",
            Seq = (long)kept.Row.Seq,
            SentAt = kept.SentAt,
            ExpiresAt = isGone ? null : kept.ExpiresAt,
            From = kept.Author is { } author
                ? Person(author)
                : new Person(Book.LoginOf(kept.Sender) ?? "", kept.Sender),
            Sealed = isCreation ? true : null,
            Member = member,
            Rights = rights,
            Nonce = nonce,
            Gone = isGone ? true : null,
            Omitted = omitted is null ? null : true,
            RowSize = omitted,
        };

    Person Person(Digest fingerprint) =>
        Book.Identities.TryGetValue(fingerprint, out var identity)
            ? new Person(identity.Login, Book.TokenOf(fingerprint))
            : new Person("", default);
}
