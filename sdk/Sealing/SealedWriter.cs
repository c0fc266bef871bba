using System.Text.Json;
using Conclave.Protocol;
using Conclave.Roster;
using Conclave.Sdk.Storage;
using Conclave.Sealing;
using RowVerdict = Conclave.Roster.Verdict;
using SealedContent = Conclave.Sealing.Content;

namespace Conclave.Sdk.Sealing;

/// <summary>A change of the roster, as far as it can be decided before the state that it continues is known.</summary>
/// <param name="Change">What to sign.</param>
/// <param name="Fields">What the request says besides.</param>
sealed record IntendedChange(RosterChange Change, Action<Utf8JsonWriter> Fields);

/// <summary>A message before it is sealed.</summary>
/// <param name="Content">What to say.</param>
/// <param name="Id">The message's id, which it keeps however often it is sealed.</param>
/// <param name="ExpiresInSeconds">When its content is to be erased; null for never.</param>
sealed record Draft(SealedContent Content, Guid Id, long? ExpiresInSeconds);

/// <summary>
/// Posts into a sealed lobby and changes its roster (docs/sealing.md, section 6.1, the writer's flow): it catches up,
/// rotates a key that is due, and seals again what the server calls stale, until it is done.
/// </summary>
sealed class SealedWriter(SealedSession session, SealedLobby lobby)
{
    // With more the request would be too large; the other members hand over what is missing.
    const int OwnWrapsMax = 500;

    /// <summary>Seals and posts; when the task has ended, the message is stored.</summary>
    public async Task<MessageReply> PostAsync(Draft draft, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            // The turn ends when the request has its place, so that posts overlap and keep their order.
            var sending = await lobby.InTurnAsync(
                () => SendAsync(draft, attempt > 1, cancellationToken), cancellationToken).ConfigureAwait(false);
            try
            {
                var reply = await sending.Reply.ConfigureAwait(false);
                await lobby.InTurnAsync(async () =>
                {
                    await lobby.AcknowledgeAsync(reply, draft, sending.Row, cancellationToken).ConfigureAwait(false);
                    return true;
                }, cancellationToken).ConfigureAwait(false);
                return reply;
            }
            catch (RefusedException refused)
                when (WriterFlow.IsStale(refused.Code) && attempt < WriterFlow.AttemptsMax)
            {
                // Once more, from the end of the log.
            }
        }
    }

    /// <summary>Signs a change of the roster and has it entered into the log.</summary>
    /// <param name="action">The request's action.</param>
    /// <param name="decide">Decides anew each time somebody else was first.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<ChangeReply> ChangeAsync(
        string action, Func<RosterState, IntendedChange> decide, CancellationToken cancellationToken) =>
        lobby.InTurnAsync(async () =>
        {
            await SucceedIfDueAsync(cancellationToken).ConfigureAwait(false);
            var reply = await EnterAsync(action, decide, cancellationToken).ConfigureAwait(false);
            await RotateIfDueAsync(cancellationToken).ConfigureAwait(false);
            return reply;
        }, cancellationToken);

    /// <summary>A new key from here on.</summary>
    public Task<ChangeReply> RotateInTurnAsync(CancellationToken cancellationToken) =>
        lobby.InTurnAsync(async () =>
        {
            await lobby.CatchUpAsync(cancellationToken).ConfigureAwait(false);
            await SucceedIfDueAsync(cancellationToken).ConfigureAwait(false);
            return await RotateAsync(isWanted: true, cancellationToken).ConfigureAwait(false);
        }, cancellationToken);

    /// <summary>Signs an invitation, and hands the newcomer the key where history is for everybody.</summary>
    public Task<ChangeReply> InviteAsync(Pin invited, Rights rights, CancellationToken cancellationToken) =>
        lobby.InTurnAsync(async () =>
        {
            await SucceedIfDueAsync(cancellationToken).ConfigureAwait(false);
            var reply = await LetInAsync(invited, rights, cancellationToken).ConfigureAwait(false);
            await RotateIfDueAsync(cancellationToken).ConfigureAwait(false);
            return reply;
        }, cancellationToken);

    /// <summary>
    /// Puts a member's new identity, which nothing connects with the one that the roster names, in its place: removal,
    /// invitation with the rights of before, a new key (docs/sealing.md, section 4).
    /// </summary>
    public Task<(ChangeReply Reply, Rights Rights)> ReadmitAsync(Pin person, CancellationToken cancellationToken) =>
        lobby.InTurnAsync(async () =>
        {
            await lobby.CatchUpAsync(cancellationToken).ConfigureAwait(false);
            await SucceedIfDueAsync(cancellationToken).ConfigureAwait(false);
            var member = lobby.Roster.Members.Values.FirstOrDefault(
                member => string.Equals(member.Identity.Login, person.Login, StringComparison.Ordinal));
            if (member is null)
                throw WriterFlow.Refusal(RowVerdict.NotAMember);
            var removed = member.Identity.Fingerprint;
            if (removed == person.Identity.Fingerprint)
                throw WriterFlow.Refusal(RowVerdict.AlreadyMember);
            // Asked before the removal: half of this would be worse than nothing.
            if (lobby.Follower.Self?.Has(MemberRights.Admin | MemberRights.Invite | member.Rights) is not true)
                throw WriterFlow.Refusal(RowVerdict.Forbidden);
            await EnterAsync(
                ActionName.RemoveMember,
                _ => new(
                    new RosterChange.Remove(removed), json => json.WriteString("public_token"u8, member.Token)),
                cancellationToken).ConfigureAwait(false);
            var rights = (Rights)member.Rights;
            var reply = await LetInAsync(person, rights, cancellationToken).ConfigureAwait(false);
            await RotateIfDueAsync(cancellationToken).ConfigureAwait(false);
            return (reply, rights);
        }, cancellationToken);

    /// <summary>
    /// Puts the user's identity in the place of a former one that the lobby knows the user by, if there is need to.
    /// </summary>
    /// <returns>Whether there was.</returns>
    public Task<bool> SucceedInTurnAsync(CancellationToken cancellationToken) =>
        lobby.InTurnAsync(async () =>
        {
            await lobby.CatchUpAsync(cancellationToken).ConfigureAwait(false);
            return await SucceedIfDueAsync(cancellationToken).ConfigureAwait(false);
        }, cancellationToken);

    async Task<bool> SucceedIfDueAsync(CancellationToken cancellationToken)
    {
        if (!IsKnownByFormer())
            return false;
        // Another device may have done it.
        await lobby.CatchUpAsync(cancellationToken).ConfigureAwait(false);
        if (!IsKnownByFormer())
            return false;
        using var former = session.Former(lobby.Follower.Self!.Identity.Fingerprint)
            ?? throw WriterFlow.IsFormer();
        var next = session.Identity.Record;
        session.Identities.Keep([next]);
        lobby.Follower.Book.Know([next]);
        await lobby.FetchKeysAsync(former, cancellationToken).ConfigureAwait(false);
        await EnterAsync(ActionName.SucceedMember, roster =>
        {
            var wraps = OwnWraps(roster, next);
            return Task.FromResult<(RosterEntry, Action<Utf8JsonWriter>)>(
                (RosterSigner.Sign(former, roster, new RosterChange.Succeed(next.Fingerprint)),
                json => WriteOwnWraps(json, wraps)));
        }, null, cancellationToken).ConfigureAwait(false);
        await RotateIfDueAsync(cancellationToken).ConfigureAwait(false);
        return true;
    }

    bool IsKnownByFormer() =>
        lobby.Follower.Self is { } self && self.Identity.Fingerprint != session.Identity.Fingerprint;

    // The newest key leads to all others by links; where history starts at joining each has to be handed over.
    List<(ulong Generation, KeyWrap Wrap)> OwnWraps(RosterState roster, IdentityRecord next) =>
    [
        .. lobby.Keys.Generations
            .Where(generation => roster.History == History.FromJoin || generation == roster.Generation)
            .OrderDescending().Take(OwnWrapsMax)
            .Select(generation => (generation, lobby.Keys[generation]!.WrapFor(lobby.Id, next))),
    ];

    Task<ChangeReply> LetInAsync(Pin invited, Rights rights, CancellationToken cancellationToken)
    {
        lobby.Follower.Book.Know([invited.Identity]);
        var change = new RosterChange.Invite(invited.Identity.Fingerprint, invited.Token, (MemberRights)rights);
        return EnterAsync(ActionName.InviteLobby, async roster =>
        {
            var key = roster.History == History.All
                ? await KeyAsync(cancellationToken).ConfigureAwait(false)
                : null;
            var wrap = key?.WrapFor(lobby.Id, invited.Identity);
            return (RosterSigner.Sign(session.Identity, roster, change), json =>
            {
                json.WriteString("public_token"u8, invited.Token);
                json.WriteRights(rights);
                if (wrap is null)
                    return;
                json.WritePropertyName("key_wrap"u8);
                WriteWrap(json, wrap);
            }
            );
        }, null, cancellationToken);
    }

    async Task<Sending> SendAsync(Draft draft, bool isStale, CancellationToken cancellationToken)
    {
        if (isStale || !lobby.IsCurrent)
            await lobby.CatchUpAsync(cancellationToken).ConfigureAwait(false);
        ThrowIfAlarmed();
        await SucceedIfDueAsync(cancellationToken).ConfigureAwait(false);
        for (var attempt = 1; ; attempt++)
        {
            ThrowIfChanged();
            var roster = lobby.Roster;
            var key = lobby.Keys[roster.Generation];
            switch (WriterFlow.Before(roster, lobby.Follower.Self, key is not null))
            {
                case WriterStep.Send:
                    var row = SealedMessage.Seal(
                        session.Identity, roster, key!, Seen.In(lobby.Follower.Log), draft.Id, draft.Content);
                    session.Drafts.Add(lobby.Id, draft.Id, Transcript.RowHash(row));
                    return new Sending(MessageAsync(row, draft, cancellationToken), row);
                case WriterStep.Rotate when attempt < WriterFlow.AttemptsMax:
                    await RotateAsync(cancellationToken).ConfigureAwait(false);
                    break;
                case WriterStep.FetchKey:
                    await KeyAsync(cancellationToken).ConfigureAwait(false);
                    break;
                default:
                    throw WriterFlow.Refusal(RowVerdict.Forbidden);
            }
        }
    }

    Task<MessageReply> MessageAsync(byte[] row, Draft draft, CancellationToken cancellationToken) =>
        lobby.Fetch.AskAsync<MessageReply>(ActionName.Message, RequestKind.Append, json =>
        {
            json.WritePropertyName("row_data"u8);
            json.WriteRawValue(row, skipInputValidation: true);
            json.WriteString("nonce"u8, draft.Id);
            if (draft.ExpiresInSeconds is { } seconds)
                json.WriteNumber("expires_in"u8, seconds);
        }, cancellationToken);

    // Whoever may, closes the window in which nobody can post.
    async Task RotateIfDueAsync(CancellationToken cancellationToken)
    {
        if (lobby.Follower.Self is { } self && lobby.Roster.IsDirty && self.Has(MemberRights.Write)
            && Changed() is null)
            await RotateAsync(cancellationToken).ConfigureAwait(false);
    }

    Task<ChangeReply> RotateAsync(CancellationToken cancellationToken) =>
        RotateAsync(isWanted: false, cancellationToken);

    // Only in turn. Ends when the roster is not dirty any more, or, if a person wants it, when the lobby has another
    // key than now, whoever rotated.
    async Task<ChangeReply> RotateAsync(bool isWanted, CancellationToken cancellationToken)
    {
        GenerationKey? next = null;
        var from = lobby.Roster.Generation;
        try
        {
            var reply = await EnterAsync(ActionName.RotateKey, async roster =>
            {
                ThrowIfChanged();
                var current = roster.History == History.All
                    ? await KeyAsync(cancellationToken).ConfigureAwait(false)
                    : null;
                next?.Dispose();
                next = GenerationKey.Create(roster.Generation + 1);
                var entry = RosterSigner.Rotate(session.Identity, roster, next, current);
                var wraps = WrapForAll(roster, next);
                return (entry, json => WriteWraps(json, wraps));
            }, roster => roster.IsDirty || (isWanted && roster.Generation == from), cancellationToken)
                .ConfigureAwait(false);
            if (next is not null && lobby.Roster.Generations.Count >= (int)next.Generation
                && lobby.Roster.Generations[(int)next.Generation - 1].Commit == next.Commit)
            {
                lobby.Keys.Add(next);
                next = null;
                session.Keys.Keep(lobby.Id, lobby.Keys);
            }
            return reply;
        }
        finally
        {
            next?.Dispose();
        }
    }

    Task<ChangeReply> EnterAsync(
        string action, Func<RosterState, IntendedChange> decide, CancellationToken cancellationToken) =>
        EnterAsync(action, roster =>
        {
            var intended = decide(roster);
            return Task.FromResult<(RosterEntry, Action<Utf8JsonWriter>)>(
                (RosterSigner.Sign(session.Identity, roster, intended.Change), intended.Fields));
        }, null, cancellationToken);

    // Compare-and-swap on the head: of two entries at one height the server keeps the first, and the other is decided
    // and signed again. With a condition, it ends when the condition does not hold any more after a loss.
    async Task<ChangeReply> EnterAsync(
        string action, Func<RosterState, Task<(RosterEntry Entry, Action<Utf8JsonWriter> Fields)>> sign,
        Func<RosterState, bool>? isStillDue, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            if (attempt > 1 || isStillDue is null)
                await lobby.CatchUpAsync(cancellationToken).ConfigureAwait(false);
            ThrowIfAlarmed();
            var roster = lobby.Roster;
            if (attempt > 1 && isStillDue?.Invoke(roster) is false)
                return new ChangeReply { Seq = (long)lobby.Follower.Log.Last.Seq };
            var (entry, fields) = await sign(roster).ConfigureAwait(false);
            if (RosterState.Apply(roster, entry, lobby.Follower.Book.Identities, out var next) is var verdict
                && verdict != RowVerdict.Accepted)
                throw WriterFlow.Refusal(verdict);
            try
            {
                var reply = await lobby.Fetch.AskAsync<ChangeReply>(action, RequestKind.Append, json =>
                {
                    json.WriteString("roster_entry"u8, Base64Text.Encode(entry.Bytes.Span));
                    fields(json);
                }, cancellationToken).ConfigureAwait(false);
                if (next!.MemberBy(session.Me) is not null)
                    await SeeAsync(entry, (ulong)reply.Seq, cancellationToken).ConfigureAwait(false);
                else
                    session.Leave(lobby.Id);
                return reply;
            }
            catch (RefusedException refused)
                when (WriterFlow.IsStale(refused.Code) && attempt < WriterFlow.AttemptsMax)
            {
                // Somebody else was first.
            }
        }
    }

    // The entry counts when it was seen in the log, at the place that the server has named.
    async Task SeeAsync(RosterEntry entry, ulong seq, CancellationToken cancellationToken)
    {
        await lobby.CatchUpAsync(cancellationToken).ConfigureAwait(false);
        var row = session.Lobbies.Entries(lobby.Id, seq - 1, seq + 1, 1);
        if (row is not [var kept] || kept.Row.RowHash != Transcript.RowHash(SealedRow.AroundEntry(entry)))
            throw lobby.Alarm(AlarmCode.Rewritten, (long)seq);
    }

    // Nothing is sealed or signed after an alarm until a person has decided.
    void ThrowIfAlarmed()
    {
        if (lobby.Standing is { } alarm)
            throw alarm;
    }

    // Nothing is sealed for somebody whose changed key nobody has accepted; to remove them is still possible.
    void ThrowIfChanged()
    {
        if (Changed() is { Identity.Login: var login })
            throw AlarmText.KeyChanged(login, session.Pins.Find(login)?.IsSigned is true);
    }

    RosterMember? Changed() => WriterFlow.FirstChanged(lobby.Roster, session.Pins.Fingerprints());

    async Task<GenerationKey> KeyAsync(CancellationToken cancellationToken)
    {
        var generation = lobby.Roster.Generation;
        if (lobby.Keys[generation] is null)
            await lobby.FetchKeysAsync(session.Identity, cancellationToken).ConfigureAwait(false);
        return lobby.Keys[generation] ?? throw WriterFlow.Refusal(RowVerdict.NoKey);
    }

    KeyWrap[] WrapForAll(RosterState roster, GenerationKey key)
    {
        var members = roster.Members.Values.ToArray();
        var wraps = new KeyWrap[members.Length];
        Parallel.For(0, members.Length, index => wraps[index] = key.WrapFor(lobby.Id, members[index].Identity));
        return wraps;
    }

    static void WriteOwnWraps(Utf8JsonWriter json, List<(ulong Generation, KeyWrap Wrap)> wraps)
    {
        json.WriteStartArray("key_wraps"u8);
        foreach (var (generation, wrap) in wraps)
        {
            json.WriteStartObject();
            json.WriteNumber("generation"u8, generation);
            json.WriteString("wrap"u8, Base64Text.Encode(wrap.Wrap.Span));
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    public static void WriteWraps(Utf8JsonWriter json, IEnumerable<KeyWrap> wraps)
    {
        json.WriteStartArray("key_wraps"u8);
        foreach (var wrap in wraps)
            WriteWrap(json, wrap);
        json.WriteEndArray();
    }

    public static void WriteWrap(Utf8JsonWriter json, KeyWrap wrap)
    {
        json.WriteStartObject();
        json.WriteString("to"u8, wrap.To.ToString());
        json.WriteString("wrap"u8, Base64Text.Encode(wrap.Wrap.Span));
        json.WriteEndObject();
    }

    /// <summary>A request that has its place in the outbox, and may not be answered yet.</summary>
    sealed record Sending(Task<MessageReply> Reply, byte[] Row);
}
