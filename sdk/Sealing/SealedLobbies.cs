using Conclave.Protocol;
using Conclave.Roster;
using Conclave.Sdk.Storage;
using Conclave.Sealing;

namespace Conclave.Sdk.Sealing;

/// <summary>What a sealing client does with sealed lobbies as a whole, in the words of its public methods.</summary>
static class SealedLobbies
{
    /// <summary>Makes a sealed lobby whose only member is the user.</summary>
    public static async Task<CreateLobbyReply> CreateAsync(
        SealedSession session, string lobbyName, LobbyHistory history, CancellationToken cancellationToken)
    {
        var name = LobbyName.Canonical(lobbyName)
            ?? throw SealedNames.IsNoName();
        var key = GenerationKey.Create(1);
        var entry = RosterSigner.Create(session.Identity, session.Me, (History)history, name, key);
        var id = SealedLobbyId.Of(entry.Hash);
        var lobby = session.Lobby(id);
        // Kept before it is sent: after a crash the key is here, whatever became of the request.
        lobby.Keys.Add(key);
        session.Keys.Keep(id, lobby.Keys);
        void WriteFields(System.Text.Json.Utf8JsonWriter json)
        {
            json.WriteString("lobby_name"u8, name);
            json.WriteStartObject("sealed"u8);
            json.WriteString("roster_entry"u8, Base64Text.Encode(entry.Bytes.Span));
            SealedWriter.WriteWraps(json, [key.WrapFor(id, session.Identity.Record)]);
            json.WriteEndObject();
        }
        var reply = await session.Link.AskSignedAsync<CreateLobbyReply>(
            ActionName.CreateLobby, RequestKind.Append, WriteFields, cancellationToken).ConfigureAwait(false);
        if (reply.LobbyId != id || reply.Seq != 1)
            throw SealedNames.Moved(name, id);
        session.Identities.Keep([session.Identity.Record]);
        session.Lobbies.Begin(id, new(0, Transcript.Start(id)), []);
        session.Lobbies.SetIntroduced(id);
        session.Lobbies.SetErasures(id, 0);
        // Another lobby may have had the name before.
        session.Pins.MoveName(LobbyName.Key(name), id);
        return reply;
    }

    /// <summary>Posts a content that callers gave in its plain form.</summary>
    public static async Task<MessageReply> PostAsync(
        SealedSession session, SealedLobby lobby, Posting posting, CancellationToken cancellationToken)
    {
        using var form = ContentForm.ToSealed(posting.Content);
        var draft = new Draft(form, posting.Nonce ?? SealedMessage.NewId(), posting.ExpiresInSeconds);
        return await new SealedWriter(session, lobby).PostAsync(draft, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Invites whoever has this public token.</summary>
    public static async Task<InviteLobbyReply> InviteAsync(
        SealedSession session, SealedLobby lobby, Pin invited, Rights rights, CancellationToken cancellationToken)
    {
        if (invited.Changed is not null)
            throw AlarmText.KeyChanged(invited.Login, invited.IsSigned);
        rights |= Rights.Read;
        var identity = invited.Identity;
        session.Identities.Keep([identity]);
        var writer = new SealedWriter(session, lobby);
        var reply = await writer.InviteAsync(invited, rights, cancellationToken).ConfigureAwait(false);
        return LetIn(reply, lobby, invited, rights);
    }

    /// <summary>Lets a member's new identity in, in place of the one that the roster names.</summary>
    public static async Task<InviteLobbyReply> ReadmitAsync(
        SealedSession session, SealedLobby lobby, Pin person, CancellationToken cancellationToken)
    {
        if (person.Changed is not null)
            throw AlarmText.KeyChanged(person.Login, person.IsSigned);
        session.Identities.Keep([person.Identity]);
        var (reply, rights) = await new SealedWriter(session, lobby).ReadmitAsync(person, cancellationToken)
            .ConfigureAwait(false);
        return LetIn(reply, lobby, person, rights);
    }

    static InviteLobbyReply LetIn(ChangeReply reply, SealedLobby lobby, Pin person, Rights rights) => new()
    {
        Id = reply.Id,
        Action = reply.Action,
        LobbyId = lobby.Id,
        Login = person.Login,
        PublicToken = person.Token,
        Rights = rights,
        Seq = reply.Seq,
        Duplicate = reply.Duplicate,
    };

    /// <summary>
    /// Has every sealed lobby of the user go on with the present identity; what is wrong with one does not keep the
    /// others from it.
    /// </summary>
    public static async Task<List<LobbySuccession>> SucceedInAllAsync(
        SealedSession session, CancellationToken cancellationToken)
    {
        List<LobbySuccession> done = [];
        var lobbies = await Listing.LobbiesAsync(session.Link, cancellationToken).ConfigureAwait(false);
        foreach (var served in lobbies.Where(served => SealedNames.IsSealed(served.LobbyId)))
        {
            var fault = default(string);
            try
            {
                await new SealedWriter(session, session.Lobby(served.LobbyId)).SucceedInTurnAsync(cancellationToken)
                    .ConfigureAwait(false);
            }
            catch (RefusedException refused)
            {
                fault = refused.Code;
            }
            catch (AlarmException alarm)
            {
                fault = alarm.Code;
            }
            var name = session.Lobbies.NameOf(served.LobbyId) ?? served.LobbyName;
            done.Add(new LobbySuccession(served.LobbyId, name, fault));
        }
        return done;
    }

    /// <summary>The fingerprint that a member's public token stands for now.</summary>
    public static Digest MemberOf(RosterState roster, Guid publicToken) =>
        roster.MemberBy(publicToken)?.Identity.Fingerprint
        ?? throw WriterFlow.Refusal(Conclave.Roster.Verdict.NotAMember);

    /// <summary>A page of the log, from what was verified.</summary>
    public static Task<HistoryPage> HistoryAsync(
        SealedLobby lobby, PageWanted wanted, CancellationToken cancellationToken) =>
        lobby.InTurnAsync(async () =>
        {
            await lobby.CatchUpAsync(cancellationToken).ConfigureAwait(false);
            var last = lobby.Follower.Log.Last.Seq;
            if (wanted.After is { } start)
            {
                var next = await lobby.ReadAsync(
                    (ulong)start, ulong.MaxValue, wanted.Limit, wanted.BodyMax, cancellationToken)
                    .ConfigureAwait(false);
                return new HistoryPage(next, (long)last, next is [.., var end] && end.Seq < (long)last);
            }
            var page = await lobby.ReadBeforeAsync(
                wanted.Before is { } seq ? (ulong)seq : last + 1, wanted.Limit, wanted.BodyMax, cancellationToken)
                .ConfigureAwait(false);
            return new HistoryPage(page, (long)last, page is [var first, ..] && first.Seq > 1);
        }, cancellationToken);

    /// <summary>The members by login, as the roster has them.</summary>
    public static Task<IReadOnlyList<Member>> MembersAsync(
        SealedSession session, SealedLobby lobby, CancellationToken cancellationToken) =>
        lobby.InTurnAsync<IReadOnlyList<Member>>(async () =>
        {
            await lobby.CatchUpAsync(cancellationToken).ConfigureAwait(false);
            return
            [
                .. lobby.Roster.Members.Values.OrderBy(member => member.Identity.Login, StringComparer.Ordinal)
                    .Select(member => new Member(
                        member.Identity.Login, member.Token, (Rights)member.Rights, Since(session, lobby, member))),
            ];
        }, cancellationToken);

    // Unknown of those who joined before the place where this client entered.
    static DateTimeOffset Since(SealedSession session, SealedLobby lobby, RosterMember member)
    {
        var seq = lobby.Follower.Book.JoiningOf(member.Identity.Fingerprint)?.Seq ?? 0;
        return seq > 0 && session.Lobbies.Entries(lobby.Id, seq - 1, seq + 1, 1) is [var row]
            ? row.SentAt
            : DateTimeOffset.UnixEpoch;
    }

    /// <summary>The roster as it was verified.</summary>
    public static Task<LobbyRoster> RosterAsync(
        SealedSession session, SealedLobby lobby, CancellationToken cancellationToken) =>
        lobby.InTurnAsync(async () =>
        {
            await lobby.CatchUpAsync(cancellationToken).ConfigureAwait(false);
            var (book, roster, log) = (lobby.Follower.Book, lobby.Roster, lobby.Follower.Log);
            var pins = session.Pins.Fingerprints();
            return new LobbyRoster(
                lobby.Id, roster.Name, new Person(book.Creator!.Identity.Login, book.Creator.Token),
                (LobbyHistory)roster.History,
                [
                    .. roster.Members.Values.OrderBy(member => member.Identity.Login, StringComparer.Ordinal)
                        .Select(member => PersonOf(book, member, pins)),
                ],
                (long)log.Last.Seq, log.IsConfirmed, roster.IsDirty);
        }, cancellationToken);

    /// <summary>Names whoever made a lobby and whoever let the user in, once (docs/sealing.md, section 9).</summary>
    public static async Task IntroduceAsync(
        SealedSession session, SealedLobby lobby, CancellationToken cancellationToken)
    {
        if (session.Options.Introduce is not { } introduce || session.Lobbies.IsIntroduced(lobby.Id))
            return;
        var introduction = await lobby.InTurnAsync(async () =>
        {
            await lobby.CatchUpAsync(cancellationToken).ConfigureAwait(false);
            var (book, pins) = (lobby.Follower.Book, session.Pins.Fingerprints());
            var self = lobby.Follower.Self;
            var inviter = self is null ? null : book.JoiningOf(self.Identity.Fingerprint)?.Inviter;
            var introduced = new LobbyIntroduction(
                lobby.Id, lobby.Roster.Name, Introduced(book.Creator!.Identity, pins),
                inviter is null ? null : Introduced(inviter, pins));
            return session.Lobbies.SetIntroduced(lobby.Id) && book.Creator.Token != session.Me ? introduced : null;
        }, cancellationToken).ConfigureAwait(false);
        if (introduction is not null)
            introduce(introduction);
    }

    static IntroducedPerson Introduced(
        IdentityRecord identity, Dictionary<string, (Digest Fingerprint, bool IsChanged, bool IsVerified)> pins)
    {
        var isPinned = pins.TryGetValue(identity.Login, out var pin) && pin.Fingerprint == identity.Fingerprint;
        return new IntroducedPerson(identity.Login, isPinned && pin.IsVerified, !isPinned || pin.IsChanged);
    }

    static RosterPerson PersonOf(
        RosterBook book, RosterMember member,
        Dictionary<string, (Digest Fingerprint, bool IsChanged, bool IsVerified)> pins)
    {
        var person = Introduced(member.Identity, pins);
        return new RosterPerson(
            person.Login, member.Token, (Rights)member.Rights,
            book.JoiningOf(member.Identity.Fingerprint)?.Inviter?.Login, person.IsVerified, person.HasChangedKey);
    }
}
