namespace Conclave.Client.Probe;

/// <summary>Members, their rights, and what ends a membership.</summary>
static class MemberRules
{
    public static IEnumerable<Rule> All =>
    [
        new("4", An_invitation_without_rights_grants_read_and_write),
        new("4", Rights_come_in_their_order_and_with_read),
        new("3", Rights_that_are_unknown_or_repeated_are_refused),
        new("4", To_invite_takes_the_right_and_grants_no_more_than_one_holds),
        new("5", Who_is_a_member_cannot_be_invited_again),
        new("5", Whom_nobody_knows_cannot_be_invited),
        new("6", Who_is_invited_is_told_on_their_connections),
        new("4", Members_are_listed_with_their_rights),
        new("4", To_set_rights_takes_admin_and_a_member),
        new("4", A_lobby_always_keeps_an_admin),
        new("4", Anyone_may_leave),
        new("5", A_stranger_is_forbidden_everything_before_anything_else_is_said),
        new("7", A_removal_cuts_the_subscription_at_its_place_in_the_log),
        new("7", Who_was_removed_reads_nothing_until_invited_again_and_then_everything),
        new("6", Who_is_removed_is_told_on_their_connections),
    ];

    static async Task An_invitation_without_rights_grants_read_and_write(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        var invited = await alice.DoAsync(Ask.Invite(den, ground.Bob));
        Expect.Equal("""["read","write"]""", invited.RawOf("rights"), "rights");
        Expect.Equal((ground.Bob.Login, 2L), (invited.TextOf("login"), invited.NumberOf("seq")), "login and seq");
    }

    static async Task Rights_come_in_their_order_and_with_read(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        foreach (var (given, granted) in ((string, string)[])
            [
                ("[]", """["read"]"""), ("""["invite","write"]""", """["read","write","invite"]"""),
                ("""["admin","read"]""", """["read","admin"]"""),
            ])
        {
            var den = await ground.CreateLobbyAsync(alice, ground.Alice);
            var invited = await alice.DoAsync(Ask.Invite(den, ground.Bob, $",\"rights\":{given}"));
            Expect.Equal(granted, invited.RawOf("rights"), $"what {given} grants");
        }
    }

    static async Task Rights_that_are_unknown_or_repeated_are_refused(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        foreach (var rights in (string[])["""["fly"]""", """["write","write"]""", "\"write\"", "[7]", "{}", "null"])
        {
            Expect.Refused(
                await alice.AskAsync(Ask.Invite(den, ground.Bob, $",\"rights\":{rights}")), "bad_request", "rights");
        }
    }

    static async Task To_invite_takes_the_right_and_grants_no_more_than_one_holds(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        await using var bob = await ground.OpenAsync(ground.Bob);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        await alice.DoAsync(Ask.Invite(den, ground.Bob));
        Expect.Refused(await bob.AskAsync(Ask.Invite(den, ground.Carol, ",\"rights\":[]")), "forbidden");
        await alice.DoAsync(Ask.About("set_rights", den, ground.Bob, ",\"rights\":[\"invite\"]"));
        Expect.Refused(await bob.AskAsync(Ask.Invite(den, ground.Carol)), "forbidden");
        await bob.DoAsync(Ask.Invite(den, ground.Carol, ",\"rights\":[\"invite\"]"));
    }

    static async Task Who_is_a_member_cannot_be_invited_again(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        await alice.DoAsync(Ask.Invite(den, ground.Bob));
        Expect.Refused(await alice.AskAsync(Ask.Invite(den, ground.Bob)), "already_member");
    }

    static async Task Whom_nobody_knows_cannot_be_invited(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        Expect.Refused(
            await alice.AskAsync(
                $$"""{"action":"invite_lobby","lobby_name":"{{den}}","public_token":"{{Ask.Nobody}}"}"""),
            "no_such_user");
    }

    static async Task Who_is_invited_is_told_on_their_connections(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        await using var bob = await ground.OpenAsync(ground.Bob);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        await alice.DoAsync(Ask.Invite(den, ground.Bob));
        var hint = await bob.HintAsync("invited");
        Expect.Equal(den, hint.TextOf("lobby_name"), "lobby_name");
        Expect.Equal("""["read","write"]""", hint.RawOf("rights"), "rights");
        Expect.Equal(ground.Alice.Login, hint["from"].GetProperty("login").GetString(), "from");
        Expect.True(!hint.Has("seq"), "a hint is no entry, and has no seq");
    }

    static async Task Members_are_listed_with_their_rights(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        await alice.DoAsync(Ask.Invite(den, ground.Bob));
        var list = await alice.DoAsync($$"""{"action":"members","lobby_name":"{{den}}"}""");
        var members = list["members"].EnumerateArray().ToList();
        Expect.Sequence(
            [ground.Alice.Login, ground.Bob.Login],
            members.Select(member => member.GetProperty("login").GetString()!), "the members");
        Expect.Equal("""["read","write"]""", members[1].GetProperty("rights").GetRawText(), "rights");
        Expect.Time(members[1].GetProperty("since"), "since");
        Expect.Equal(2, list.NumberOf("last_seq"), "last_seq");
    }

    static async Task To_set_rights_takes_admin_and_a_member(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        await using var bob = await ground.OpenAsync(ground.Bob);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        await alice.DoAsync(Ask.Invite(den, ground.Bob));
        const string ToRead = ",\"rights\":[]";
        Expect.Refused(await bob.AskAsync(Ask.About("set_rights", den, ground.Bob, ToRead)), "forbidden");
        Expect.Refused(await alice.AskAsync(Ask.About("set_rights", den, ground.Carol, ToRead)), "not_a_member");
        Expect.Refused(await alice.AskAsync(Ask.About("set_rights", den, ground.Bob)), "bad_request", "rights");
        Expect.Equal(
            3, (await alice.DoAsync(Ask.About("set_rights", den, ground.Bob, ToRead))).NumberOf("seq"), "seq");
        Expect.Refused(await bob.AskAsync(Ask.Post(den, "1")), "forbidden");
    }

    static async Task A_lobby_always_keeps_an_admin(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        await alice.DoAsync(Ask.Invite(den, ground.Bob));
        Expect.Refused(await alice.AskAsync(Ask.About("remove_member", den, ground.Alice)), "last_admin");
        Expect.Refused(
            await alice.AskAsync(Ask.About("set_rights", den, ground.Alice, ",\"rights\":[\"write\"]")), "last_admin");
    }

    static async Task Anyone_may_leave(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        await using var bob = await ground.OpenAsync(ground.Bob);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        await alice.DoAsync(Ask.Invite(den, ground.Bob, ",\"rights\":[]"));
        await bob.DoAsync(Ask.About("remove_member", den, ground.Bob));
        var entry = (await alice.DoAsync(Ask.History(den, ",\"limit\":1"))).Events()[0];
        Expect.Equal("member_removed", entry.Event, "the entry");
        Expect.Equal(entry.RawOf("from"), entry.RawOf("member"), "who left");
    }

    static async Task A_stranger_is_forbidden_everything_before_anything_else_is_said(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        await using var carol = await ground.OpenAsync(ground.Carol);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        string[] table =
        [
            Ask.Post(den, "1"), Ask.Subscribe(den), Ask.Subscribe(den, ",\"after\":99"),
            Ask.Subscribe(den, ",\"after\":0,\"epoch\":\"another\""), Ask.History(den),
            $$"""{"action":"members","lobby_name":"{{den}}"}""", Ask.Invite(den, ground.Alice),
            Ask.Invite(den, ground.Bob), Ask.About("remove_member", den, ground.Bob),
            Ask.About("set_rights", den, ground.Bob, ",\"rights\":[]"),
        ];
        foreach (var request in table)
            Expect.Refused(await carol.AskAsync(request), "forbidden");
    }

    static async Task A_removal_cuts_the_subscription_at_its_place_in_the_log(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        await using var bob = await ground.OpenAsync(ground.Bob);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        await alice.DoAsync(Ask.Invite(den, ground.Bob));
        await bob.DoAsync(Ask.Subscribe(den));
        await alice.SendAsync(Ask.Post(den, "\"before\""));
        await alice.SendAsync(Ask.About("remove_member", den, ground.Bob));
        await alice.SendAsync(Ask.Post(den, "\"after\""));
        for (var number = 0; number < 2; number++)
            (await alice.ReplyAsync()).MustBeOk();
        var after = (await alice.ReplyAsync()).MustBeOk().NumberOf("seq");
        Expect.Equal(3, (await bob.EntryAsync()).Seq, "the entry before the removal");
        var rest = await bob.EntriesUntilNowAsync();
        Expect.True(rest.TrueForAll(entry => entry.Seq < after), "an entry after the removal was seen");
        Expect.Refused(await bob.AskAsync(Ask.Subscribe(den, ",\"after\":0")), "forbidden");
    }

    static async Task Who_was_removed_reads_nothing_until_invited_again_and_then_everything(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        await using var bob = await ground.OpenAsync(ground.Bob);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        await alice.DoAsync(Ask.Invite(den, ground.Bob));
        await alice.DoAsync(Ask.About("remove_member", den, ground.Bob));
        await alice.DoAsync(Ask.Post(den, "\"meanwhile\""));
        Expect.Refused(await bob.AskAsync(Ask.History(den)), "forbidden");
        await alice.DoAsync(Ask.Invite(den, ground.Bob));
        var seqs = (await bob.DoAsync(Ask.History(den))).Events().Select(entry => entry.Seq ?? 0);
        Expect.Sequence([1, 2, 3, 4, 5], seqs, "what can be read again");
    }

    static async Task Who_is_removed_is_told_on_their_connections(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        await using var bob = await ground.OpenAsync(ground.Bob);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        await alice.DoAsync(Ask.Invite(den, ground.Bob));
        await alice.DoAsync(Ask.About("remove_member", den, ground.Bob));
        Expect.Equal(den, (await bob.HintAsync("removed")).TextOf("lobby_name"), "lobby_name");
    }
}
