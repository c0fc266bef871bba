using System.Text.Json.Nodes;
using Conclave.Roster;
using Conclave.Sdk;
using Conclave.Sdk.Sealing;
using Conclave.Sealing;
using Content = Conclave.Sdk.Content;
using Verdict = Conclave.Sdk.Verdict;

namespace Conclave.Tests.Sdk.Sealing;

/// <summary>
/// What lies before the place where a client has entered a long lobby, and what was left out when it was in a hurry:
/// nothing of it is believed later because it was not looked at first.
/// </summary>
public sealed class EarlierRowsTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Earlier_entries_must_lead_to_the_place_where_the_log_was_entered()
    {
        await using var den = await PaperDen.StartAsync();
        den.Server.Post(den.Lobby, "alice", PaperRows.Texts(1100));
        // The last one before that place, which no entry in between has seen.
        TellOf(den.Server, 77, row =>
        {
            (row["row_data"], row["gone"]) = (null, true);
            row["row_hash"] = Transcript.RowHash("something else"u8).ToString();
        });
        var phone = den.Elsewhere("alice");

        var alarm = await Assert.ThrowsAsync<AlarmException>(() => phone.Secrets.GetAsync("den", "wifi", Cancel));

        Assert.Equal(AlarmCode.Fork, alarm.Code);
        Assert.Equal(AlarmCode.Fork, (await PostAlarmAsync(phone)).Code);
    }

    [Fact]
    public async Task Earlier_entry_that_is_refused_is_an_alarm_that_stands()
    {
        await using var den = await PaperDen.StartAsync();
        den.Server.Post(den.Lobby, "alice", PaperRows.Texts(1));
        den.Lobby.Force(Guid.NewGuid(), den.Lobby.Rows[^1].RowData, Guid.NewGuid());
        den.Server.Post(den.Lobby, "alice", PaperRows.Texts(1100));
        var phone = den.Elsewhere("alice");

        var alarm = await Assert.ThrowsAsync<AlarmException>(() => phone.Secrets.GetAsync("den", "wifi", Cancel));

        Assert.Equal(("not_a_member", 3), (alarm.Code, alarm.Seq));
        Assert.Equal("not_a_member", (await PostAlarmAsync(phone)).Code);
    }

    [Fact]
    public async Task Page_of_earlier_entries_that_never_goes_on_is_given_up()
    {
        await using var den = await PaperDen.StartAsync();
        den.Server.Post(den.Lobby, "alice", PaperRows.Texts(1100));
        den.Server.Lie = (request, reply) =>
        {
            if ((string?)request["action"] == "history" && (long?)request["after"] < 50)
                reply["events"] = new JsonArray(den.Lobby.Event(den.Lobby.Rows[^1], den.Server.LoginOf, null));
            return null;
        };
        var phone = den.Elsewhere("alice");

        await Assert.ThrowsAsync<BrokenServerException>(
            () => phone.Secrets.GetAsync("den", "wifi", Cancel).WaitAsync(TimeSpan.FromSeconds(60), Cancel));
    }

    [Fact]
    public async Task Earlier_part_of_the_roster_is_judged_before_the_log_is_entered()
    {
        await using var den = await PaperDen.StartAsync();
        den.Enrol("mallory");
        using (var mallory = Identity.FromSeed("mallory", den.Server.SeedOf("mallory")!))
        {
            var token = den.Server.Users["mallory"].Token;
            var letIn = new RosterChange.Invite(mallory.Fingerprint, token, MemberRights.All);
            var entry = RosterSigner.Sign(mallory, den.Lobby.Log.Roster!, letIn);
            den.Lobby.Force(token, SealedRow.AroundEntry(entry), null);
        }
        var index = new IndexContent(
            602, new Dictionary<string, ulong> { ["wifi"] = 3 }, new Dictionary<string, ulong>());
        den.Server.Post(
            den.Lobby, "alice",
            [Plain(SecretContent.Of("wifi", "one", null).ToContent()), .. PaperRows.Texts(599)]);
        den.Server.Post(den.Lobby, "alice", [Plain(index.ToContent()), .. PaperRows.Texts(501)]);
        var phone = den.Elsewhere("alice");

        var alarm = await Assert.ThrowsAsync<AlarmException>(() => phone.Secrets.GetAsync("den", "wifi", Cancel));

        Assert.Equal(("not_a_member", 2), (alarm.Code, alarm.Seq));
    }

    [Fact]
    public async Task Large_entry_that_was_left_out_is_judged_when_it_is_wanted()
    {
        await using var den = await PaperDen.StartAsync();
        den.Server.Post(den.Lobby, "alice", PaperRows.Texts(1100));
        using var file = new FileContent("plan", "image/png", 150_000, null).ToContent(new byte[150_000]);
        var index = new IndexContent(
            1103, new Dictionary<string, ulong> { ["wifi"] = 1103 }, new Dictionary<string, ulong>());
        den.Server.Post(
            den.Lobby, "alice",
            ContentForm.ToPlain(file), Plain(SecretContent.Of("wifi", "x", null).ToContent()),
            Plain(index.ToContent()));
        // The file stands there once more, and nobody in a hurry looks.
        var row = den.Lobby.Rows[1101];
        den.Lobby.Force(row.Sender, row.RowData, row.Nonce);
        var phone = den.Elsewhere("alice");
        Assert.Equal("x", (await phone.Secrets.GetAsync("den", "wifi", Cancel))?.Value);

        var entries = (await phone.HistoryAsync("den", after: 1101, cancellationToken: Cancel)).Entries;

        Assert.Equal((1102, Verdict.Unconfirmed), (entries[0].Seq, entries[0].Verdict));
        Assert.Equal((1105, Verdict.Refused, "replay"), (entries[^1].Seq, entries[^1].Verdict, entries[^1].Fault));
        Assert.Equal("replay", (await PostAlarmAsync(phone)).Code);
    }

    [Fact]
    public async Task Entry_that_is_judged_later_has_seen_the_log_that_is_kept()
    {
        await using var den = await PaperDen.StartAsync();
        den.Server.Post(den.Lobby, "alice", PaperRows.Texts(2));
        _ = await den.Alice.HistoryAsync("den", cancellationToken: Cancel);
        using var session = den.Open("alice");
        var (lobby, roster) = (den.Lobby, den.Lobby.Log.Roster!);

        Assert.Equal(Conclave.Roster.Verdict.Accepted, Judge(lobby.Rows[1].Hash));
        Assert.Equal(Conclave.Roster.Verdict.Fork, Judge(lobby.Rows[0].Hash));

        Conclave.Roster.Verdict Judge(Digest seen)
        {
            var header = SealedMessage.Header(roster.Head, new Seen(new(2, seen), false), SealedMessage.NewId());
            var row = SealedMessage.Sign(session.Identity, lobby.Id, header, new byte[400]);
            return KeptLobbies.JudgePlace(
                session, lobby.Id, SealedRow.Parse(row), roster.Members[session.Identity.Fingerprint], 4);
        }
    }

    static void TellOf(PaperServer server, long seq, Action<JsonObject> lie) => server.Lie = (request, reply) =>
    {
        if ((string?)request["action"] == "history"
            && reply["events"]!.AsArray().SingleOrDefault(row => (long)row!["seq"]! == seq) is JsonObject row)
            lie(row);
        return null;
    };

    static Content Plain(Conclave.Sealing.Content content)
    {
        using (content)
            return ContentForm.ToPlain(content);
    }

    static async Task<AlarmException> PostAlarmAsync(ConclaveClient client) =>
        await Assert.ThrowsAsync<AlarmException>(() => client.PostAsync("den", "never", cancellationToken: Cancel));
}
