using System.Text;
using System.Text.Json.Nodes;
using Conclave.Protocol;
using Conclave.Roster;
using Conclave.Sealing;
using Conclave.Tests.Support;

namespace Conclave.Tests.Server.Actions;

/// <summary>Each refusal that docs/sealing.md names, with the request that provokes it.</summary>
public sealed class SealedRefusalTests(SharedServer server) : IClassFixture<SharedServer>
{
    /// <summary>What the tables here and in <see cref="SealingAccountTests"/> provoke.</summary>
    internal static readonly string[] Codes =
    [
        "bad_encoding", "bad_identity", "bad_vault", "weak_kdf", "bad_entry", "bad_signature", "bad_wraps",
        "bad_envelope", "wrong_lobby", "roster_conflict", "stale_roster", "stale_key", "stale_transcript", "fork",
    ];

    [Fact]
    public void Every_refusal_of_the_rules_has_a_code_on_the_wire()
    {
        Verdict[] ofClients =
        [
            Verdict.Unjudged, Verdict.Accepted, Verdict.BadWrap, Verdict.BadKey, Verdict.BadBox, Verdict.NoKey,
            Verdict.BadContent, Verdict.PlainAccount,
        ];
        foreach (var verdict in Enum.GetValues<Verdict>().Except(ofClients))
            Assert.NotEqual(500, ErrorCode.HttpStatus(VerdictCode.Of(verdict)));
    }

    [Fact]
    public async Task Creation_is_refused_by_its_name()
    {
        await using var alice = await SignUpAsync();
        await using var bob = await SignUpAsync();
        await using var plain = await server.SignUpAsync();
        var (den, entry, request) = SealedDen.Draw(alice, server.Fresh("den"));
        using (den)
        {
            var wraps = JsonNode.Parse(request)!["sealed"]!["key_wraps"]!;
            var (to, wrap) = (wraps[0]!["to"]!.GetValue<string>(), wraps[0]!["wrap"]!.GetValue<string>());
            using var key = GenerationKey.Create(1);
            var invitation = RosterSigner.Sign(
                alice.Identity, LastState(alice),
                new RosterChange.Invite(bob.Identity.Fingerprint, bob.Token, MemberRights.Read));
            var ofBob = RosterSigner.Create(bob.Identity, bob.Token, History.All, den.Name, key);
            var withTokenOfBob = RosterSigner.Create(alice.Identity, bob.Token, History.All, den.Name, key);
            var forged = entry.Bytes.ToArray();
            forged[^1] ^= 1;
            string Sealed(string creation) =>
                $$"""{"action":"create_lobby","lobby_name":"{{den.Name}}","sealed":{{creation}}}""";
            string With(string text, string keys) => Sealed($$"""{"roster_entry":"{{text}}","key_wraps":{{keys}}}""");
            var good = SealedDen.Text(entry);
            var keys = wraps.ToJsonString();
            await Outcomes.HoldAsync(alice.Client,
            [
                (Sealed("null"), "bad_request sealed"),
                (Sealed("true"), "bad_request sealed"),
                (Sealed("{}"), "bad_request sealed"),
                (Sealed($$"""{"roster_entry":"{{good}}"}"""), "bad_request sealed"),
                (With(good, "[null]"), "bad_wraps sealed"),
                (With(good, "5"), "bad_request sealed"),
                (With(good + "=", keys), "bad_encoding sealed"),
                (With("AAAA", keys), "bad_entry sealed"),
                (With(SealedDen.Text(invitation), keys), "bad_entry sealed"),
                (With(good, $$"""[{"to":"{{to}}","wrap":"*"}]"""), "bad_encoding sealed"),
                (With(good, $$"""[{"to":"AAAA","wrap":"{{wrap}}"}]"""), "bad_wraps sealed"),
                (With(good, "[]"), "bad_wraps"),
                (With(good, $"[{wraps[0]!.ToJsonString()},{wraps[0]!.ToJsonString()}]"), "bad_wraps"),
                (With(good, $$"""[{"to":"{{bob.Identity.Fingerprint}}","wrap":"{{wrap}}"}]"""), "bad_wraps"),
                (With(good, $$"""[{"to":"{{to}}","wrap":"{{wrap[4..]}}"}]"""), "bad_wraps"),
                (With(Base64Text.Encode(forged), keys), "bad_signature"),
                (With(SealedDen.Text(ofBob), keys), "bad_identity"),
                (With(SealedDen.Text(withTokenOfBob), keys), "not_a_member"),
                (request.Replace(den.Name, "another name", StringComparison.Ordinal), "bad_request lobby_name"),
                (request, "ok"),
                (SealedDen.Draw(alice, den.Name).Request, "lobby_name_taken"),
            ]);
            await Outcomes.HoldAsync(plain.Client, [(request, "bad_identity")]);
        }
    }

    [Fact]
    public async Task Message_is_refused_by_its_name()
    {
        await using var alice = await SignUpAsync();
        await using var bob = await SignUpAsync();
        await using var stranger = await SignUpAsync();
        using var den = await SealedDen.CreateAsync(alice, server.Fresh("den"));
        await den.ChangeAsync(alice, den.Invitation(alice, bob, MemberRights.Read));
        await den.PostAsync(alice, "there is something");
        string Send(byte[] row, Guid? id = null, bool hasNonce = true) =>
            $$"""
            {"action":"message",{{den.Where}},"row_data":{{Encoding.UTF8.GetString(row)}}{{(hasNonce
                ? $",\"nonce\":\"{id ?? SealedRow.Parse(row).Envelope?.Id ?? Guid.NewGuid()}\"" : "")}}}
            """;
        byte[] Text(string json) => Encoding.UTF8.GetBytes(json);
        var good = den.Seal(alice, "good", SealedMessage.NewId());
        var spaced = Text(Encoding.UTF8.GetString(good).Replace(":", ": ", StringComparison.Ordinal));
        var roster = SealedRow.AroundEntry(den.Sign(alice, new RosterChange.Rename("other")));
        var seen = Seen.In(den.Log);
        var ahead = seen with { Point = seen.Point with { Seq = seen.Point.Seq + 1 } };
        var forked = seen with { Point = new(seen.Point.Seq, Transcript.Start(den.LobbyId)) };
        var copied = den.Seal(alice, "of alice", SealedMessage.NewId());
        var byBob = den.Seal(bob, "may only read", SealedMessage.NewId());
        await Outcomes.HoldAsync(alice.Client,
        [
            (Send(Text("\"plain\"")), "bad_envelope row_data"),
            (Send(Text("{\"sealed\":\"AAAA\"}")), "bad_envelope row_data"),
            (Send(spaced), "bad_envelope row_data"),
            (Send(roster), "bad_envelope row_data"),
            (Send(good, hasNonce: false), "bad_envelope nonce"),
            (Send(good, Guid.NewGuid()), "bad_envelope row_data"),
            (Send(byBob), "bad_signature"),
            (Send(den.Seal(alice, "ahead", SealedMessage.NewId(), ahead)), "stale_transcript"),
            (Send(den.Seal(alice, "forked", SealedMessage.NewId(), forked)), "fork"),
        ]);
        await Outcomes.HoldAsync(bob.Client, [(Send(byBob), "forbidden"), (Send(copied), "bad_signature")]);
        await Outcomes.HoldAsync(
            stranger.Client, [(Send(good), "forbidden"), (Send(Text("1")), "bad_envelope row_data")]);
        await den.ChangeAsync(alice, den.RightsChange(alice, bob, MemberRights.Read | MemberRights.Write));
        await Outcomes.HoldAsync(alice.Client, [(Send(good), "stale_roster")]);
        await den.ChangeAsync(alice, den.Removal(alice, bob));
        var dirty = Dirty(den, alice);
        await Outcomes.HoldAsync(alice.Client, [(Send(dirty), "stale_key"), (Send(good), "stale_roster")]);
        await den.ChangeAsync(alice, den.Rotation(alice));
        await den.PostAsync(alice, "again");
    }

    [Fact]
    public async Task Change_of_the_roster_is_refused_by_its_name()
    {
        await using var alice = await SignUpAsync();
        await using var bob = await SignUpAsync();
        await using var carol = await SignUpAsync();
        using var den = await SealedDen.CreateAsync(alice, server.Fresh("den"));
        using var other = await SealedDen.CreateAsync(alice, server.Fresh("den"));
        var early = den.Invitation(alice, bob);
        var stale = den.Invitation(alice, carol);
        await Outcomes.HoldAsync(carol.Client, [(early, "forbidden")]);
        await den.ChangeAsync(alice, early);
        using var strange = Identity.Create(carol.Login);
        await Outcomes.HoldAsync(bob.Client,
        [
            (den.Invitation(bob, carol), "forbidden"),
            (den.Rotation(bob), "forbidden"),
            (den.RightsChange(alice, bob, MemberRights.All), "not_a_member"),
        ]);
        var good = den.Invitation(alice, carol);
        await Outcomes.HoldAsync(alice.Client,
        [
            (stale, "roster_conflict"),
            (Field(good, "lobby_id", $"\"{other.LobbyId}\""), "wrong_lobby"),
            (Field(good, "roster_entry", Entry(Forged(den, alice, carol))), "bad_signature"),
            (Field(good, "roster_entry", Entry(Inviting(den, alice, strange.Fingerprint, carol))), "bad_identity"),
            (den.Invitation(alice, bob), "already_member"),
            (Without(good, "key_wrap"), "bad_wraps"),
            (den.Removal(alice, carol), "not_a_member"),
            (den.RightsChange(alice, carol, MemberRights.Read), "not_a_member"),
            (den.RightsChange(alice, alice, MemberRights.Read), "last_admin"),
            (den.Removal(alice, alice), "last_admin"),
            (den.Renaming(alice, other.Name), "lobby_name_taken"),
            (den.Rotation(alice, "[]"), "bad_wraps"),
            (den.Succession(alice, bob.Identity), "already_member"),
            (den.Succession(alice, strange), "bad_identity"),
        ]);
        // An admin was beaten above: the others let admins go first.
        var refused = await bob.Client.AskAsync(den.Removal(bob, bob));
        Assert.Equal("rate_limited", Outcomes.Of(refused));
        Assert.InRange(refused["error"]!["retry_after_ms"]!.GetValue<long>(), 1, 5000);
        await den.ChangeAsync(alice, den.Removal(alice, bob));
    }

    [Fact]
    public async Task Request_agrees_with_its_entry_and_is_sent_where_a_roster_is()
    {
        await using var alice = await SignUpAsync();
        await using var bob = await SignUpAsync();
        await using var carol = await SignUpAsync();
        await using var plain = await server.SignUpAsync();
        using var den = await SealedDen.CreateAsync(alice, server.Fresh("den"));
        await den.ChangeAsync(alice, den.Invitation(alice, bob));
        var plainName = server.Fresh("den");
        await alice.Client.DoAsync($$"""{"action":"create_lobby","lobby_name":"{{plainName}}"}""");
        var good = den.Invitation(alice, carol);
        var ofPlain = RosterSigner.Sign(
            alice.Identity, den.Roster,
            new RosterChange.Invite(carol.Identity.Fingerprint, Guid.Parse(plain.PublicToken), MemberRights.Read));
        await Outcomes.HoldAsync(alice.Client,
        [
            (Without(good, "roster_entry"), "bad_request roster_entry"),
            (Field(good, "lobby_id", "null"), "bad_request lobby_id"),
            (Without(Field(good, "lobby_name", $"\"{plainName}\""), "lobby_id"), "bad_request roster_entry"),
            (Field(good, "roster_entry", "5"), "bad_request roster_entry"),
            (Field(good, "roster_entry", "\"A\""), "bad_encoding roster_entry"),
            (Field(good, "roster_entry", "\"AAAA\""), "bad_entry roster_entry"),
            (Field(good, "roster_entry", Entry(den.Sign(alice, new RosterChange.Rename("x")))),
                "bad_request roster_entry"),
            (Field(good, "rights", """["read"]"""), "bad_request rights"),
            (Field(good, "public_token", $"\"{bob.Token}\""), "bad_request public_token"),
            (Field(good, "key_wrap", "5"), "bad_request key_wrap"),
            (Field(den.Removal(alice, bob), "public_token", $"\"{carol.Token}\""), "bad_request public_token"),
            (Field(den.RightsChange(alice, bob, MemberRights.All), "rights", """["read"]"""), "bad_request rights"),
            (Field(den.Renaming(alice, "one name"), "lobby_name", "\"another name\""), "bad_request lobby_name"),
            ($$"""{"action":"roster","lobby_name":"{{plainName}}"}""", "bad_request lobby_name"),
            ($$"""{"action":"my_keys",{{den.Where}},"after":-1}""", "bad_request after"),
            ($$"""
            {"action":"invite_lobby",{{den.Where}},"public_token":"{{plain.PublicToken}}","rights":["read"],
            "roster_entry":{{Entry(ofPlain)}}}
            """, "bad_identity"),
        ]);
    }

    static string Field(string request, string field, string value)
    {
        var changed = JsonNode.Parse(request)!.AsObject();
        changed[field] = JsonNode.Parse(value);
        return changed.ToJsonString();
    }

    static string Without(string request, string field)
    {
        var changed = JsonNode.Parse(request)!.AsObject();
        changed.Remove(field);
        return changed.ToJsonString();
    }

    static string Entry(RosterEntry entry) => $"\"{SealedDen.Text(entry)}\"";

    static RosterEntry Inviting(SealedDen den, SealingUser by, Digest member, SealingUser token) => den.Sign(
        by, new RosterChange.Invite(member, token.Token, MemberRights.Read | MemberRights.Write));

    static RosterEntry Forged(SealedDen den, SealingUser by, SealingUser member)
    {
        var forged = Inviting(den, by, member.Identity.Fingerprint, member).Bytes.ToArray();
        forged[^1] ^= 1;
        return SealingVectors.Entry(forged);
    }

    Task<SealingUser> SignUpAsync() => SealingUser.SignUpAsync(server.Server, server.Fresh("user"));

    // Some state of some roster, for an entry that continues one.
    static RosterState LastState(SealingUser by)
    {
        using var key = GenerationKey.Create(1);
        var entry = RosterSigner.Create(by.Identity, by.Token, History.All, "x", key);
        Dictionary<Digest, IdentityRecord> known = new() { [by.Identity.Fingerprint] = by.Identity.Record };
        Assert.Equal(Verdict.Accepted, RosterState.Apply(null, entry, known, out var state));
        return state!;
    }

    // What a client without rules would send: our own does not seal while a new key is due.
    static byte[] Dirty(SealedDen den, SealingUser by)
    {
        var header = SealedMessage.Header(den.Roster.Head, Seen.In(den.Log), SealedMessage.NewId());
        return SealedMessage.Sign(by.Identity, den.LobbyId, header, new byte[328]);
    }
}
