using System.Text.Json.Nodes;
using Conclave.Client;
using Conclave.Client.Texts;
using Conclave.Roster;
using Conclave.Sdk;
using Conclave.Sealing;
using Conclave.Tests.Sdk.Sealing;

namespace Conclave.Tests.Client.Hostile;

/// <summary>
/// What a server does to the membership: ghosts, rights that nobody gave, branches, other lobbies, no new key.
/// </summary>
public sealed class RosterLieTests
{
    // Somewhere in the last 64 bytes of an entry that gives a lobby the forged name.
    const int RosterSignaturePlace = 200;

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Ghost_gets_in_by_no_signature_of_its_own()
    {
        await using var den = await HostileDen.StartAsync();
        den.Enter("mallory");
        using var mallory = new Accomplice(den, "mallory");
        var letIn = mallory.Entry(
            new RosterChange.Invite(mallory.Identity.Fingerprint, mallory.Token, MemberRights.All));
        var told = den.TellBob(rows => rows);
        told.Identities.TryAdd(mallory.Identity.Fingerprint, mallory.Identity.Record);
        told.Force(mallory.Token, letIn, null);

        await den.IsCaughtAsync("not_a_member");
        var members = await den.RefusesAsync("not_a_member", "lobby", "members", "den");
        Assert.Contains("alice", members.Output, StringComparison.Ordinal);
        await den.RefusesAsync("not_a_member", "invite", "den", "alice");
    }

    [Fact]
    public async Task Ghost_says_nothing_even_with_a_key()
    {
        await using var den = await HostileDen.StartAsync();
        den.Enter("mallory");
        using var mallory = new Accomplice(den, "mallory");
        using var insider = new Accomplice(den, "alice");
        using var key = insider.Key();
        den.TellBob(rows => rows).Force(mallory.Token, mallory.Message(HostileDen.Forged, key), null);

        await den.IsCaughtAsync("not_a_member");
    }

    [Fact]
    public async Task Entry_of_a_member_is_not_another_ones()
    {
        await using var den = await HostileDen.StartAsync();
        using var alice = new Accomplice(den, "alice");
        // Signed by somebody who may do it, but stored as bob's.
        den.TellBob(rows => rows).Force(
            den.Server.Users["bob"].Token, alice.Entry(new RosterChange.Rename(HostileDen.Forged)), null);

        await den.IsCaughtAsync("not_a_member");
    }

    [Fact]
    public async Task Entry_of_a_member_who_may_not_is_refused()
    {
        await using var den = await HostileDen.StartAsync();
        using var bob = new Accomplice(den, "bob");
        den.TellBob(rows => rows).Force(bob.Token, bob.Entry(new RosterChange.Rename(HostileDen.Forged)), null);

        await den.IsCaughtAsync("forbidden");
    }

    [Fact]
    public async Task Entry_that_its_author_has_not_signed_is_refused()
    {
        await using var den = await HostileDen.StartAsync();
        using var alice = new Accomplice(den, "alice");
        var rename = alice.Entry(new RosterChange.Rename(HostileDen.Forged));
        var forged = new PaperRow(4, alice.Token, rename, null, default).Edited(RosterSignaturePlace);
        den.TellBob(rows => rows).Force(alice.Token, forged.RowData, null);

        await den.IsCaughtAsync("bad_signature");
    }

    [Fact]
    public async Task Inviter_gives_no_right_that_is_not_theirs()
    {
        await using var den = await HostileDen.StartAsync(hasRead: false);
        den.Enter("carol");
        den.Enter("mallory");
        await den.Alice.Lobbies.InviteAsync(
            "den", "carol", Conclave.Protocol.Rights.Default | Conclave.Protocol.Rights.Invite, Cancel);
        using var carol = new Accomplice(den, "carol");
        using var mallory = new Accomplice(den, "mallory");
        var letIn = carol.Entry(new RosterChange.Invite(mallory.Identity.Fingerprint, mallory.Token, MemberRights.All));
        den.TellBob(rows => rows).Force(carol.Token, letIn, null);

        await den.IsCaughtAsync("forbidden");
    }

    [Fact]
    public async Task Admin_who_was_removed_signs_no_branch_and_posts_nothing()
    {
        await using var den = await HostileDen.StartAsync(hasRead: false);
        den.Enter("carol");
        await den.Alice.Lobbies.InviteAsync("den", "carol", Conclave.Protocol.Rights.All, Cancel);
        using var carol = new Accomplice(den, "carol");
        using var key = carol.Key();
        var branch = carol.Entry(new RosterChange.Rename(HostileDen.Forged));
        var message = carol.Message(HostileDen.Forged, key);
        await den.Alice.Lobbies.RemoveMemberAsync("den", carol.Token, cancellationToken: Cancel);
        var told = den.TellBob(rows => rows);
        told.Force(carol.Token, branch, null);
        told.Force(carol.Token, message, null);

        var said = await den.IsCaughtAsync("roster_conflict");
        Assert.Contains("refused (stale_roster)", said.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rotation_that_is_withheld_is_missed_by_the_next_message()
    {
        await using var den = await HostileDen.StartAsync(hasRead: false);
        den.Enter("carol");
        await den.Alice.Lobbies.InviteAsync("den", "carol", cancellationToken: Cancel);
        await den.Alice.Lobbies.RemoveMemberAsync("den", den.Server.Users["carol"].Token, cancellationToken: Cancel);
        await den.SayAsync("under the new key");
        Assert.Equal(2UL, den.Lobby.Log.Roster!.Generation);

        den.TellBob(rows => rows.Where(row => row.Seq != 6));

        var said = await den.IsCaughtAsync("stale_roster");
        Assert.DoesNotContain("under the new key", said.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rotation_that_is_due_and_never_comes_about_keeps_everything_unsent()
    {
        await using var den = await HostileDen.StartAsync();
        den.Enter("carol");
        await den.Alice.Lobbies.InviteAsync("den", "carol", cancellationToken: Cancel);
        await den.Alice.Lobbies.RemoveMemberAsync("den", den.Server.Users["carol"].Token, cancellationToken: Cancel);
        den.TellBob(rows => rows.Take(5));
        Assert.True(den.Told.Log.Roster!.IsDirty);
        den.Server.Lie = (request, _) =>
        {
            if ((string?)request["action"] != "rotate_key")
                return null;
            den.Server.Apart["bob"] = den.Lobby.Copy(rows: 5);
            return new JsonObject
            {
                ["id"] = request["id"]!.DeepClone(),
                ["action"] = "rotate_key",
                ["ok"] = false,
                ["error"] = new JsonObject { ["code"] = "roster_conflict", ["message"] = "Somebody was first." },
            };
        };

        // No lie that can be proved: the server may be slow to show who was first. But nothing goes out under the key
        // that carol has.
        var said = await den.RunAsync("send", "den", "nothing of this is sent");

        Assert.Equal(ExitCode.Conflict, said.ExitCode);
        Assert.DoesNotContain(den.Server.Requests, request =>
            (string?)request["action"] == "message" && (string?)request["token"] == "token of bob");
    }

    [Fact]
    public async Task Rotation_that_is_acknowledged_and_not_entered_is_noticed()
    {
        await using var den = await HostileDen.StartAsync();
        den.SignIn("alice");
        var before = den.Lobby.Copy();
        den.Server.Lie = (request, _) =>
        {
            if ((string?)request["action"] == "rotate_key")
                den.Server.Lobbies[before.Id] = before.Copy();
            return null;
        };

        var said = await den.RunAsAsync("alice", "lobby", "rotate", "den");

        Assert.Equal(ExitCode.Alarm, said.ExitCode);
        Assert.Contains(
            English.Language.Alarms.Of(AlarmCode.Rewritten).What, said.Error, StringComparison.Ordinal);
        await den.RefusesAsAsync("alice", "rewritten", "send", "den", "nothing of this is sent");
    }

    [Fact]
    public async Task Another_lobby_under_the_id_is_none()
    {
        await using var den = await HostileDen.StartAsync(hasRead: false);
        den.Enter("mallory");
        using var mallory = new Accomplice(den, "mallory");
        using var key = GenerationKey.Create(1);
        var root = RosterSigner.Create(mallory.Identity, mallory.Token, History.All, "den", key);
        var told = den.TellBob(rows => rows.Take(0));
        told.Identities.TryAdd(mallory.Identity.Fingerprint, mallory.Identity.Record);
        told.Force(mallory.Token, SealedRow.AroundEntry(root), null);

        foreach (var words in (IEnumerable<string[]>)[["history"], ["send"], ["lobby", "members"], ["secret", "list"]])
        {
            string[] text = words is ["send"] ? ["nothing of this is sent"] : [];
            await den.RefusesAsync("wrong_lobby", [.. words, den.Lobby.Id.ToString(), .. text]);
        }
    }

    [Fact]
    public async Task Record_of_somebody_else_in_the_list_of_identities_helps_nobody()
    {
        await using var den = await HostileDen.StartAsync(hasRead: false);
        den.Enter("mallory");
        using var mallory = new Accomplice(den, "mallory");
        using var asAlice = Identity.Create("alice");
        den.LieAbout("roster", reply =>
        {
            foreach (var named in reply["identities"]!.AsArray())
            {
                if ((string?)named!["login"] == "alice")
                    named["record"] = Base64Text.Encode(asAlice.Record.Bytes);
            }
        });

        await den.RefusesAsync("bad_identity", "history", "den");
        await den.RefusesAsync("bad_identity", "send", den.Lobby.Id.ToString(), "nothing of this is sent");
    }

    [Fact]
    public async Task Entry_of_a_roster_that_has_not_the_form_of_one_is_refused()
    {
        await using var den = await HostileDen.StartAsync(hasRead: false);
        den.LieAbout("roster", reply => reply["entries"]![0]!["roster_entry"] = "AAAA");

        await den.RefusesAsync("bad_entry", "history", "den");
        await den.RefusesAsync("bad_entry", "send", "den", "nothing of this is sent");
    }

    [Fact]
    public async Task Who_did_what_comes_from_the_signed_entries_and_not_from_what_the_server_adds()
    {
        await using var den = await HostileDen.StartAsync(hasRead: false);
        den.LieAbout("history", reply =>
        {
            foreach (var happening in reply["events"]!.AsArray())
            {
                happening!["from"]!["login"] = "mallory";
                happening["lobby_name"] = "mallory's";
                happening["member"] = PaperLobby.Person(Guid.NewGuid(), _ => "mallory");
                happening["rights"] = new JsonArray("read", "write", "invite", "admin");
                happening["event"] = "member_removed";
            }
        });

        var said = await den.DoAsync("history", "den");

        HostileDen.ShowsNothingForged(said);
        Assert.Contains("alice (unverified)  created the lobby", said.Output, StringComparison.Ordinal);
        Assert.Contains(
            "alice (unverified)  invited bob, who may: read, write\n", said.Output, StringComparison.Ordinal);
        Assert.Contains(HostileDen.Truth, said.Output, StringComparison.Ordinal);
    }
}
