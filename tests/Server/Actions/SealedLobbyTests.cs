using System.Text;
using System.Text.Json.Nodes;
using Conclave.Roster;
using Conclave.Sealing;
using Conclave.Tests.Support;

namespace Conclave.Tests.Server.Actions;

/// <summary>Sealed lobbies through real sockets: what is stored, what is told, and to whom.</summary>
public sealed class SealedLobbyTests(SharedServer server) : IClassFixture<SharedServer>
{
    [Fact]
    public async Task Members_write_and_read_under_one_transcript()
    {
        await using var alice = await SignUpAsync();
        await using var bob = await SignUpAsync();
        using var den = await SealedDen.CreateAsync(alice, server.Fresh("den"));
        await den.PostAsync(alice, "the first");
        await den.ChangeAsync(alice, den.Invitation(alice, bob));
        await den.PostAsync(bob, "the second");
        await den.PostAsync(alice, "the third");

        var history = await bob.Client.DoAsync($$"""{"action":"history",{{den.Where}},"after":0}""");
        Assert.Equal(den.Log.Last.Hash.ToString(), history["hash"]!.GetValue<string>());
        Assert.Equal(0, history["base"]!["seq"]!.GetValue<long>());
        Assert.Equal(
            Transcript.Start(den.LobbyId).ToString(), history["base"]!["hash"]!.GetValue<string>());
        var last = history["events"]!.AsArray()[^1]!.AsObject();
        Assert.Equal("the third", Open(den, last));
    }

    [Fact]
    public async Task Newcomer_folds_the_roster_and_opens_its_keys()
    {
        await using var alice = await SignUpAsync();
        await using var bob = await SignUpAsync();
        using var den = await SealedDen.CreateAsync(alice, server.Fresh("den"));
        await den.ChangeAsync(alice, den.Invitation(alice, bob));
        await den.ChangeAsync(alice, den.Rotation(alice));

        var told = await bob.Client.DoAsync($$"""{"action":"roster",{{den.Where}}}""");
        Dictionary<Digest, IdentityRecord> identities = [];
        foreach (var identity in told["identities"]!.AsArray())
        {
            Assert.Equal(
                Verdict.Accepted,
                IdentityRecord.Accept(
                    identity!["login"]!.GetValue<string>(), Bytes(identity["record"]), out var record));
            identities[record!.Fingerprint] = record;
        }
        RosterState? state = null;
        foreach (var row in told["entries"]!.AsArray())
        {
            Assert.Equal(
                Verdict.Accepted,
                RosterState.Apply(state, SealingVectors.Entry(Bytes(row!["roster_entry"])), identities, out state));
        }
        Assert.Equal(den.Roster.Head, state!.Head);
        Assert.False(told["more"]!.GetValue<bool>());

        var keys = (await bob.Client.DoAsync($$"""{"action":"my_keys",{{den.Where}}}"""))["key_wraps"]!.AsArray();
        Assert.Equal([1, 2], keys.Select(key => key!["generation"]!.GetValue<int>()));
        foreach (var key in keys)
        {
            Assert.Equal(
                Verdict.Accepted,
                GenerationKey.OpenWrap(
                    state, key!["generation"]!.GetValue<ulong>(), bob.Identity, Bytes(key["wrap"]), out var opened));
            opened!.Dispose();
        }
        var later = await bob.Client.DoAsync($$"""{"action":"roster",{{den.Where}},"after":2}""");
        Assert.Equal(3, Assert.Single(later["entries"]!.AsArray())!["seq"]!.GetValue<int>());
        var newer = await bob.Client.DoAsync($$"""{"action":"my_keys",{{den.Where}},"after":1}""");
        Assert.Single(newer["key_wraps"]!.AsArray());
    }

    [Fact]
    public async Task Plain_client_sees_events_as_in_any_lobby()
    {
        await using var alice = await SignUpAsync();
        await using var bob = await SignUpAsync();
        await using var watcher = await SignUpAsync();
        using var den = await SealedDen.CreateAsync(alice, server.Fresh("den"));
        await den.ChangeAsync(alice, den.Invitation(alice, watcher, MemberRights.Read));
        using var next = Identity.Create(bob.Login);
        await watcher.Client.DoAsync($$"""{"action":"subscribe",{{den.Where}},"after":0}""");
        await den.ChangeAsync(alice, den.Invitation(alice, bob));
        await den.ChangeAsync(alice, den.RightsChange(alice, bob, MemberRights.All));
        await den.PostAsync(bob, "hello");
        await bob.Client.DoAsync(
            $$"""
            {"action":"reset_identity","password":"{{bob.Password}}","vault":"{{SealingUser.Vault()}}",
            "identity":{"record":"{{Base64Text.Encode(next.Record.Bytes)}}"} }
            """);
        await den.ChangeAsync(bob, den.Succession(bob, next));
        await den.ChangeAsync(alice, den.Rotation(alice));
        await den.ChangeAsync(alice, den.Removal(alice, bob));
        var renamed = server.Fresh("renamed");
        await den.ChangeAsync(alice, den.Renaming(alice, renamed));

        (string Event, string Fields)[] expected =
        [
            ("lobby_created", "sealed"), ("member_invited", "member rights"), ("member_invited", "member rights"),
            ("rights_changed", "member rights"), ("message", "nonce"), ("identity_succeeded", "member"),
            ("key_rotated", "generation"), ("member_removed", "member"), ("lobby_renamed", "row_data"),
        ];
        for (var index = 0; index < expected.Length; index++)
        {
            var told = await watcher.Client.EntryAsync();
            Assert.Equal(expected[index].Event, told["event"]!.GetValue<string>());
            Assert.Equal(index + 1, told["seq"]!.GetValue<long>());
            Assert.Equal(
                expected[index].Event == "lobby_renamed" ? renamed : den.Name,
                told["lobby_name"]!.GetValue<string>());
            Assert.NotNull(told["from"]!["login"]);
            Assert.NotNull(told["row_data"]);
            foreach (var field in expected[index].Fields.Split(' '))
                Assert.True(told.ContainsKey(field), field);
            if (index == 0)
                Assert.True(told["sealed"]!.GetValue<bool>());
            if (expected[index].Event == "key_rotated")
                Assert.Equal(2, told["generation"]!.GetValue<long>());
        }
        var listed = await watcher.Client.DoAsync("""{"action":"my_lobbies"}""");
        Assert.True(Assert.Single(listed["lobbies"]!.AsArray())!["sealed"]!.GetValue<bool>());
        var page = await watcher.Client.DoAsync(
            $$"""{"action":"history",{{den.Where}},"after":4,"body_max":10,"limit":2}""");
        var omitted = page["events"]!.AsArray()[0]!;
        Assert.True(omitted["omitted"]!.GetValue<bool>());
        Assert.Equal(den.Log.Rows[4].RowHash.ToString(), omitted["row_hash"]!.GetValue<string>());
        Assert.NotNull(page["events"]!.AsArray()[1]!["row_data"]);
        Assert.Equal(den.Log.HashAt(4).ToString(), page["base"]!["hash"]!.GetValue<string>());
    }

    [Fact]
    public async Task Same_id_is_answered_as_the_first_whatever_it_says_now()
    {
        await using var alice = await SignUpAsync();
        await using var bob = await SignUpAsync();
        using var den = await SealedDen.CreateAsync(alice, server.Fresh("den"));
        var id = SealedMessage.NewId();
        var row = den.Seal(alice, "once", id);
        var first = await alice.Client.DoAsync(den.Message(row, id));
        den.Take((await alice.Client.DoAsync(
            $$"""{"action":"history",{{den.Where}},"after":1}"""))["events"]!.AsArray()[0]!.AsObject());
        await den.ChangeAsync(alice, den.Invitation(alice, bob));
        foreach (var again in (byte[][])[row, den.Seal(alice, "twice", id)])
        {
            var reply = await alice.Client.DoAsync(den.Message(again, id));
            Assert.True(reply["duplicate"]!.GetValue<bool>());
            Assert.Equal(first["seq"]!.GetValue<long>(), reply["seq"]!.GetValue<long>());
            Assert.Equal(first["hash"]!.GetValue<string>(), reply["hash"]!.GetValue<string>());
            Assert.Equal(first["sent_at"]!.GetValue<string>(), reply["sent_at"]!.GetValue<string>());
        }
    }

    [Fact]
    public async Task Same_entry_of_the_roster_is_answered_with_its_place()
    {
        await using var alice = await SignUpAsync();
        await using var bob = await SignUpAsync();
        var (den, entry, request) = SealedDen.Draw(alice, server.Fresh("den"));
        using (den)
        {
            var created = await alice.Client.DoAsync(request);
            var again = await alice.Client.DoAsync(request);
            Assert.True(again["duplicate"]!.GetValue<bool>());
            Assert.Equal(den.LobbyId, again["lobby_id"]!.GetValue<Guid>());
            Assert.Equal(created["hash"]!.GetValue<string>(), again["hash"]!.GetValue<string>());
            den.Take((await alice.Client.DoAsync(
                $$"""{"action":"history",{{den.Where}}}"""))["events"]!.AsArray()[0]!.AsObject());
            Assert.Equal(entry.Hash, den.Roster.Head);
            var invitation = den.Invitation(alice, bob);
            await den.ChangeAsync(alice, invitation);
            var rotation = den.Rotation(alice);
            await den.ChangeAsync(alice, rotation);
            var invited = await alice.Client.DoAsync(invitation);
            Assert.Equal(2, invited["seq"]!.GetValue<long>());
            Assert.Equal(bob.Login, invited["login"]!.GetValue<string>());
            Assert.Equal(3, (await alice.Client.DoAsync(rotation))["seq"]!.GetValue<long>());
        }
    }

    [Fact]
    public async Task Removed_member_sees_the_removal_last_and_the_next_post_needs_a_new_key()
    {
        await using var alice = await SignUpAsync();
        await using var bob = await SignUpAsync();
        using var den = await SealedDen.CreateAsync(alice, server.Fresh("den"));
        await den.ChangeAsync(alice, den.Invitation(alice, bob));
        await bob.Client.DoAsync($$"""{"action":"subscribe",{{den.Where}}}""");
        await den.ChangeAsync(alice, den.Removal(alice, bob));
        // The rules of the client forbid to seal now: the server refuses what a client without rules would send.
        await den.ChangeAsync(alice, den.Rotation(alice));
        await den.PostAsync(alice, "without bob");
        Assert.Equal("member_removed", (await bob.Client.EntryAsync())["event"]!.GetValue<string>());
        foreach (var action in (string[])["history", "roster", "my_keys", "subscribe"])
        {
            Assert.Equal(
                "forbidden", await bob.Client.RefusedAsync($$"""{"action":"{{action}}",{{den.Where}}}"""));
        }
    }

    Task<SealingUser> SignUpAsync() => SealingUser.SignUpAsync(server.Server, server.Fresh("user"));

    static string Open(SealedDen den, JsonObject told)
    {
        var row = SealedRow.Parse(Encoding.UTF8.GetBytes(told["row_data"]!.ToJsonString()));
        var sender = den.Roster.MemberBy(told["from"]!["public_token"]!.GetValue<Guid>())!;
        Assert.Equal(
            Verdict.Accepted,
            SealedMessage.Open(row.Envelope!, den.Roster, sender.Identity, den.Key, out var content));
        using (content)
        {
            Assert.True(TextContent.TryRead(content!, out var text));
            return text.Text;
        }
    }

    static byte[] Bytes(JsonNode? text)
    {
        Assert.True(Base64Text.TryDecode(text!.GetValue<string>(), out var bytes));
        return bytes;
    }
}
