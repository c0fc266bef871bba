namespace Conclave.Client.Probe;

/// <summary>Accounts, tokens and sessions.</summary>
static class AccountRules
{
    public static IEnumerable<Rule> All =>
    [
        new("3", A_login_is_folded_to_lower_case_everywhere),
        new("3", A_login_that_is_taken_is_refused_in_any_case),
        new("3", A_login_keeps_to_its_characters),
        new("3", A_password_has_8_to_1024_bytes),
        new("5", A_wrong_login_and_a_wrong_password_look_the_same),
        new("3", The_public_information_of_a_user_needs_no_token),
        new("3", A_user_nobody_knows_is_no_such_user),
        new("3", A_token_is_a_random_UUID),
        new("2", A_token_may_be_left_out_after_auth),
        new("2", A_token_that_is_given_is_the_one_that_signs),
        new("2", A_token_that_is_missing_malformed_or_unknown_is_bad_token),
        new("2", A_token_is_ignored_where_none_is_needed),
        new("4", Sessions_are_listed_with_the_asking_one_first),
        new("4", A_session_that_is_revoked_is_over_and_so_are_its_subscriptions),
        new("4", After_logout_the_token_is_worth_nothing),
        new("4", A_changed_password_ends_every_other_session),
    ];

    static async Task A_login_is_folded_to_lower_case_everywhere(Ground ground)
    {
        await using var wire = await ground.OpenAsync();
        var upper = ground.Alice.Login.ToUpperInvariant();
        var user = await wire.DoAsync($$"""{"action":"get_public_token","login":"{{upper}}"}""");
        Expect.Equal(ground.Alice.Login, user.TextOf("login"), "the login");
        Expect.Equal(ground.Alice.PublicToken, user.TextOf("public_token"), "the public token");
    }

    static async Task A_login_that_is_taken_is_refused_in_any_case(Ground ground)
    {
        await using var wire = await ground.OpenAsync();
        var fields = ground.Registration(ground.Alice.Login.ToUpperInvariant(), "long enough");
        Expect.Refused(await wire.AskAsync($$"""{"action":"register",{{fields}}}"""), "login_taken");
    }

    static async Task A_login_keeps_to_its_characters(Ground ground)
    {
        await using var wire = await ground.OpenAsync();
        foreach (var login in (string[])["", " ", "a b", "é", "a/b", new string('a', 65)])
        {
            var fields = ground.Registration(login, "long enough");
            Expect.Refused(await wire.AskAsync($$"""{"action":"register",{{fields}}}"""), "bad_request", "login");
        }
    }

    static async Task A_password_has_8_to_1024_bytes(Ground ground)
    {
        await using var wire = await ground.OpenAsync();
        var (few, many) = (ground.Registration(ground.Fresh(), "1234567"),
            ground.Registration(ground.Fresh(), new string('x', 1025)));
        Expect.Refused(await wire.AskAsync($$"""{"action":"register",{{few}}}"""), "bad_request", "password");
        Expect.Refused(await wire.AskAsync($$"""{"action":"register",{{many}}}"""), "too_large", "password");
    }

    static async Task A_wrong_login_and_a_wrong_password_look_the_same(Ground ground)
    {
        await using var wire = await ground.OpenAsync();
        var nobody = await TryAsync(ground.Fresh());
        var somebody = await TryAsync(ground.Carol.Login);
        Expect.Refused(nobody, "bad_credentials");
        Expect.Equal(nobody.Text, somebody.Text, "the answer");

        async Task<Said> TryAsync(string login)
        {
            // The probe may have guessed here before, and then has to wait.
            while (true)
            {
                var reply = await wire.AskAsync($$"""{"action":"auth","login":"{{login}}","password":"a wrong one"}""");
                if (reply.Code != "rate_limited")
                    return reply;
                var wait = reply["error"].GetProperty("retry_after_ms").GetInt64();
                Expect.True(wait <= 30_000, $"too many guesses from here: try again in {wait} ms");
                await Task.Delay(TimeSpan.FromMilliseconds(wait), TimeProvider.System, ground.Cancellation);
            }
        }
    }

    static async Task The_public_information_of_a_user_needs_no_token(Ground ground)
    {
        await using var wire = await ground.OpenAsync();
        var user = await wire.DoAsync($$"""{"action":"get_public_token","login":"{{ground.Bob.Login}}"}""");
        Expect.Equal(ground.Bob.PublicToken, user.TextOf("public_token"), "the public token");
        Expect.Time(user["registered_at"], "registered_at");
    }

    static async Task A_user_nobody_knows_is_no_such_user(Ground ground)
    {
        await using var wire = await ground.OpenAsync();
        Expect.Refused(
            await wire.AskAsync($$"""{"action":"get_public_token","login":"{{ground.Fresh()}}"}"""), "no_such_user");
    }

    static async Task A_token_is_a_random_UUID(Ground ground)
    {
        await using var wire = await ground.OpenAsync();
        var session = await SignInAsync(wire, ground.Carol);
        Expect.Uuid(session["token"], "4", "the token");
        Expect.True(session.TextOf("token") != ground.Carol.Token, "two sessions have the same token");
        Expect.Time(session["expires_at"], "expires_at");
    }

    static async Task A_token_may_be_left_out_after_auth(Ground ground)
    {
        await using var wire = await ground.OpenAsync();
        await SignInAsync(wire, ground.Carol);
        Expect.Equal(ground.Carol.Login, (await wire.DoAsync("""{"action":"whoami"}""")).TextOf("login"), "the user");
    }

    static async Task A_token_that_is_given_is_the_one_that_signs(Ground ground)
    {
        await using var wire = await ground.OpenAsync();
        await SignInAsync(wire, ground.Carol);
        var named = await wire.DoAsync($$"""{"action":"whoami","token":"{{ground.Bob.Token}}"}""");
        Expect.Equal(ground.Bob.Login, named.TextOf("login"), "the user");
        Expect.Refused(await wire.AskAsync($$"""{"action":"whoami","token":"{{Ask.Nobody}}"}"""), "bad_token");
        Expect.Equal(ground.Carol.Login, (await wire.DoAsync("""{"action":"whoami"}""")).TextOf("login"), "the user");
    }

    static async Task A_token_that_is_missing_malformed_or_unknown_is_bad_token(Ground ground)
    {
        await using var wire = await ground.OpenAsync();
        Expect.Refused(await wire.AskAsync("""{"action":"whoami"}"""), "bad_token");
        foreach (var token in (string[])["\"x\"", "7", "null", $"\"{Ask.Nobody}\"", $"\" {ground.Alice.Token}\""])
            Expect.Refused(await wire.AskAsync($$"""{"action":"whoami","token":{{token}}}"""), "bad_token");
    }

    static async Task A_token_is_ignored_where_none_is_needed(Ground ground)
    {
        await using var wire = await ground.OpenAsync();
        foreach (var token in (string[])["\"x\"", "7", $"\"{Ask.Nobody}\""])
            await wire.DoAsync($$"""{"action":"ping","token":{{token}}}""");
    }

    static async Task Sessions_are_listed_with_the_asking_one_first(Ground ground)
    {
        await using var wire = await ground.OpenAsync();
        await SignInAsync(wire, ground.Carol);
        var sessions = (await wire.DoAsync("""{"action":"sessions"}"""))["sessions"].EnumerateArray().ToList();
        Expect.True(sessions.Count >= 2, $"{sessions.Count} sessions where there are at least two");
        Expect.Sequence(
            sessions.Select((_, index) => index == 0),
            sessions.Select(session => session.GetProperty("current").GetBoolean()),
            "which is the asking one");
        foreach (var name in (string[])["created_at", "last_used_at", "expires_at"])
            Expect.Time(sessions[0].GetProperty(name), name);
    }

    static async Task A_session_that_is_revoked_is_over_and_so_are_its_subscriptions(Ground ground)
    {
        await using var bob = await ground.OpenAsync(ground.Bob);
        var den = await ground.CreateLobbyAsync(bob, ground.Bob);
        await using var second = await ground.OpenAsync();
        var token = (await SignInAsync(second, ground.Bob)).TextOf("token");
        await second.DoAsync(Ask.Subscribe(den));
        var sessions = (await second.DoAsync("""{"action":"sessions"}"""))["sessions"];
        var own = sessions[0].GetProperty("session_id").GetString();
        var revoked = await bob.DoAsync($$"""{"action":"revoke_session","session_id":"{{own}}"}""");
        Expect.Equal(1, revoked.NumberOf("revoked"), "revoked");
        var hint = await second.HintAsync("session_ended");
        Expect.Equal($"{own} revoked", $"{hint.TextOf("session_id")} {hint.TextOf("reason")}", "what ended and why");
        Expect.Refused(await second.AskAsync($$"""{"action":"whoami","token":"{{token}}"}"""), "bad_token");
        await bob.DoAsync(Ask.Post(den, "1"));
        Expect.Equal(0, (await second.EntriesUntilNowAsync()).Count, "the entries that came after the end");
    }

    static async Task After_logout_the_token_is_worth_nothing(Ground ground)
    {
        await using var wire = await ground.OpenAsync();
        var token = (await SignInAsync(wire, ground.Carol)).TextOf("token");
        await wire.DoAsync("""{"action":"logout"}""");
        Expect.Refused(await wire.AskAsync("""{"action":"whoami"}"""), "bad_token");
        Expect.Refused(await wire.AskAsync($$"""{"action":"whoami","token":"{{token}}"}"""), "bad_token");
    }

    static async Task A_changed_password_ends_every_other_session(Ground ground)
    {
        var dave = await ground.RegisterAsync();
        await using var wire = await ground.OpenAsync();
        await SignInAsync(wire, dave);
        await wire.DoAsync(
            $$"""{"action":"change_password","old_password":"{{dave.Password}}","new_password":"another one"}""");
        await wire.DoAsync("""{"action":"whoami"}""");
        Expect.Refused(await wire.AskAsync($$"""{"action":"whoami","token":"{{dave.Token}}"}"""), "bad_token");
        await wire.DoAsync($$"""{"action":"auth","login":"{{dave.Login}}","password":"another one"}""");
    }

    static Task<Said> SignInAsync(Wire wire, Visitor visitor) => wire.DoAsync(
        $$"""{"action":"auth","login":"{{visitor.Login}}","password":"{{visitor.Password}}"}""");
}
