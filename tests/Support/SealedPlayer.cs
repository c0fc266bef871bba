using System.Collections.Concurrent;
using System.Text;
using System.Text.Json.Nodes;
using Conclave.Roster;
using Conclave.Sealing;

namespace Conclave.Tests.Support;

/// <summary>
/// A member with a log of their own, who writes as docs/sealing.md, section 6.1, tells them to: what is stale is
/// caught up with and signed again. The keys are shared by all players, since they are not what is played for.
/// </summary>
sealed class SealedPlayer(
    SealingUser user,
    Guid lobbyId,
    ConcurrentDictionary<Digest, GenerationKey> keys,
    ConcurrentDictionary<Digest, IdentityRecord> identities)
{
    const int TriesMax = 1000;

    /// <summary>What was acknowledged: the row and its place.</summary>
    public List<(long Seq, byte[] Row, string Hash)> Done { get; } = [];

    public LobbyLog Log { get; } = LobbyLog.Begin(lobbyId);

    RosterState Roster => Log.Roster!;

    string Where => $"\"lobby_id\":\"{lobbyId}\"";

    /// <summary>Reads what it has not seen, by the rules of a client.</summary>
    public async Task CatchUpAsync()
    {
        while (true)
        {
            var page = await user.Client.DoAsync(
                $$"""{"action":"history",{{Where}},"after":{{Log.Last.Seq}},"limit":1000}""");
            Assert.Equal(Log.Last.Hash.ToString(), page["base"]!["hash"]!.GetValue<string>());
            foreach (var told in page["events"]!.AsArray())
                Take(told!.AsObject());
            if (!page["more"]!.GetValue<bool>())
                return;
        }
    }

    public async Task PostAsync(string text)
    {
        var id = SealedMessage.NewId();
        await TryAsync(async () =>
        {
            if (Roster.IsDirty)
                await RotateAsync();
            using var content = new TextContent(text).ToContent();
            var row = SealedMessage.Seal(
                user.Identity, Roster, keys[Roster.Generations[^1].Commit], Seen.In(Log), id, content);
            return (row, $$"""
                {"action":"message",{{Where}},"row_data":{{Encoding.UTF8.GetString(row)}},"nonce":"{{id}}"}
                """);
        });
    }

    /// <summary>Gives a member the other one of two sets of rights.</summary>
    public Task ToggleAsync(SealingUser member) => TryAsync(() =>
    {
        var now = Roster.MemberBy(member.Token)!;
        var rights = now.Rights ^ MemberRights.Invite;
        var names = rights.HasFlag(MemberRights.Invite)
            ? """["read","write","invite","admin"]"""
            : """["read","write","admin"]""";
        var entry = RosterSigner.Sign(
            user.Identity, Roster, new RosterChange.SetRights(now.Identity.Fingerprint, rights));
        return Task.FromResult((SealedRow.AroundEntry(entry), $$"""
            {"action":"set_rights",{{Where}},"public_token":"{{member.Token}}","rights":{{names}},
            "roster_entry":"{{SealedDen.Text(entry)}}"}
            """));
    });

    /// <summary>Removes a member and invites them again.</summary>
    public async Task ReplaceAsync(SealingUser member)
    {
        await TryAsync(() =>
        {
            var entry = RosterSigner.Sign(
                user.Identity, Roster, new RosterChange.Remove(member.Identity.Fingerprint));
            return Task.FromResult((SealedRow.AroundEntry(entry), $$"""
                {"action":"remove_member",{{Where}},"public_token":"{{member.Token}}",
                "roster_entry":"{{SealedDen.Text(entry)}}"}
                """));
        });
        await TryAsync(() =>
        {
            var entry = RosterSigner.Sign(user.Identity, Roster, new RosterChange.Invite(
                member.Identity.Fingerprint, member.Token, MemberRights.Read));
            var wrap = keys[Roster.Generations[^1].Commit].WrapFor(lobbyId, member.Identity.Record);
            return Task.FromResult((SealedRow.AroundEntry(entry), $$"""
                {"action":"invite_lobby",{{Where}},"public_token":"{{member.Token}}","rights":["read"],
                "roster_entry":"{{SealedDen.Text(entry)}}","key_wrap":{{SealedDen.Json(wrap)}}}
                """));
        });
    }

    Task RotateAsync() => TryAsync(() =>
    {
        if (!Roster.IsDirty)
            return Task.FromResult<(byte[], string)>(([], ""));
        var next = GenerationKey.Create(Roster.Generation + 1);
        keys[next.Commit] = next;
        var entry = RosterSigner.Rotate(user.Identity, Roster, next, keys[Roster.Generations[^1].Commit]);
        var wraps = Roster.Members.Values.Select(one => SealedDen.Json(next.WrapFor(lobbyId, one.Identity)));
        return Task.FromResult((SealedRow.AroundEntry(entry), $$"""
            {"action":"rotate_key",{{Where}},"roster_entry":"{{SealedDen.Text(entry)}}",
            "key_wraps":[{{string.Join(',', wraps)}}]}
            """));
    });

    // Until it is stored, or has become needless.
    async Task TryAsync(Func<Task<(byte[] Row, string Request)>> decideAsync)
    {
        for (var attempt = 0; attempt < TriesMax; attempt++)
        {
            var (row, request) = await decideAsync();
            if (row.Length == 0)
                return;
            var reply = await user.Client.AskAsync(request);
            if (reply["ok"]!.GetValue<bool>())
            {
                if (reply["duplicate"] is null)
                    Done.Add((reply["seq"]!.GetValue<long>(), row, reply["hash"]!.GetValue<string>()));
                await CatchUpAsync();
                return;
            }
            Assert.Contains(
                reply["error"]!["code"]!.GetValue<string>(),
                (string[])["stale_roster", "stale_key", "stale_transcript", "roster_conflict"]);
            await CatchUpAsync();
        }
        Assert.Fail("never stored");
    }

    void Take(JsonObject told)
    {
        var row = SealedRow.Parse(Encoding.UTF8.GetBytes(told["row_data"]!.ToJsonString()));
        var judgement = Log.Judge(row, told["from"]!["public_token"]!.GetValue<Guid>(), identities);
        Assert.Equal(Verdict.Accepted, judgement.Verdict);
        Assert.Equal(told["seq"]!.GetValue<ulong>(), Log.Append(judgement).Seq);
    }
}
