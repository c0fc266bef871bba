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
            throw new BrokenServerException("it made another lobby than the one that was asked for");
        session.Identities.Keep([session.Identity.Record]);
        session.Lobbies.Begin(id, new(0, Transcript.Start(id)), []);
        session.Pins.KeepName(LobbyName.Key(name), id);
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
        return new InviteLobbyReply
        {
            Id = reply.Id,
            Action = reply.Action,
            LobbyId = lobby.Id,
            Login = identity.Login,
            PublicToken = invited.Token,
            Rights = rights,
            Seq = reply.Seq,
            Duplicate = reply.Duplicate,
        };
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

    static RosterPerson PersonOf(
        RosterBook book, RosterMember member,
        Dictionary<string, (Digest Fingerprint, bool IsChanged, bool IsVerified)> pins)
    {
        var identity = member.Identity;
        var isPinned = pins.TryGetValue(identity.Login, out var pin) && pin.Fingerprint == identity.Fingerprint;
        return new RosterPerson(
            identity.Login, member.Token, (Rights)member.Rights,
            book.JoiningOf(identity.Fingerprint)?.Inviter?.Login,
            isPinned && pin.IsVerified, !isPinned || pin.IsChanged);
    }
}
