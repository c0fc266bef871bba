using System.Reflection;
using System.Text.Json.Nodes;
using Conclave.Protocol;
using Conclave.Server.Accounts;
using Conclave.Tests.Support;
using Npgsql;

namespace Conclave.Tests.Server.Actions;

/// <summary>
/// Every code of docs/protocol.md, section 5, provoked through a real socket. A new code needs a line in one of the two
/// tables: that of requests that any server refuses, or that of servers in need. Those that only sealing has are in
/// <see cref="SealedRefusalTests"/> and <see cref="SealingAccountTests"/>.
/// </summary>
public sealed class CodeTests(PostgresCluster postgres, SharedServer server) : IClassFixture<SharedServer>
{
    const string Nobody = "0198a000-0000-4000-8000-0000000000aa";
    const string Nonce = "0198a000-0000-7000-8000-0000000000bb";

    // DEN is Alice's, and Bob may read there; Carol is a stranger. What stands behind a code is its field.
    static readonly (string Outcome, Who By, string Request)[] Requests =
    [
        ("bad_json", Who.Carol, """{"action":"ping","action":"ping"}"""),
        ("bad_request row_data", Who.Alice, """{"action":"message","lobby_name":"DEN"}"""),
        ("unknown_action", Who.Carol, """{"action":"dance"}"""),
        ("bad_credentials", Who.Carol, """{"action":"auth","login":"nobody","password":"a wrong one"}"""),
        ("bad_token", Who.Alice, $$"""{"action":"whoami","token":"{{Nobody}}"}"""),
        ("forbidden", Who.Bob, """{"action":"message","lobby_name":"DEN","row_data":1}"""),
        ("no_such_user", Who.Carol, """{"action":"get_public_token","login":"nobody"}"""),
        ("no_such_lobby", Who.Carol, """{"action":"lobby_id","lobby_name":"nowhere"}"""),
        ("no_such_message", Who.Alice, """{"action":"delete_message","lobby_name":"DEN","seq":1}"""),
        ("login_taken login", Who.Carol, """{"action":"register","login":"ALICE_LOGIN","password":"another one"}"""),
        ("lobby_name_taken", Who.Carol, """{"action":"create_lobby","lobby_name":"DEN"}"""),
        ("already_member", Who.Alice, """{"action":"invite_lobby","lobby_name":"DEN","public_token":"BOB"}"""),
        ("not_a_member", Who.Alice, """{"action":"remove_member","lobby_name":"DEN","public_token":"CAROL"}"""),
        ("last_admin", Who.Alice, """{"action":"remove_member","lobby_name":"DEN","public_token":"ALICE"}"""),
        ("ok", Who.Alice, $$"""{"action":"message","lobby_name":"DEN","row_data":1,"nonce":"{{Nonce}}"}"""),
        ("nonce_reused", Who.Alice, $$"""{"action":"message","lobby_name":"DEN","row_data":2,"nonce":"{{Nonce}}"}"""),
        ("log_changed epoch", Who.Bob, """{"action":"subscribe","lobby_name":"DEN","after":0,"epoch":"another"}"""),
        ("too_large lobby_name", Who.Carol, $$"""{"action":"create_lobby","lobby_name":"{{new string('ж', 128)}}"}"""),
    ];

    // What only a server in need says, or one whose operator said so.
    static readonly Dictionary<string, Func<CodeTests, Task<JsonObject>>> Needs = new(StringComparer.Ordinal)
    {
        [ErrorCode.RegistrationClosed] = tests => tests.AskAsync(
            """{"action":"register","login":"bob","password":"password of bob"}""", registration: Registration.Closed),
        [ErrorCode.Limit] = tests => tests.AskAsync(
            """{"action":"create_lobby","lobby_name":"two"}""", new Limits { LobbiesPerUserMax = 1 }),
        [ErrorCode.RateLimited] = tests => tests.AskAsync(
            """{"action":"message","lobby_name":"den","row_data":"too much"}""",
            new Limits { MessageBytesPerSecond = 1 }),
        [ErrorCode.Busy] = tests => tests.AskWithoutDatabaseAsync(),
        [ErrorCode.UnknownOutcome] = tests => tests.PostAndLoseDatabaseAsync(),
        [ErrorCode.Internal] = tests => tests.AskBrokenDatabaseAsync(),
    };

    enum Who
    {
        Alice,
        Bob,
        Carol,
    }

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string> InNeed => [.. Needs.Keys];

    [Fact]
    public void Every_code_has_a_line()
    {
        var codes = typeof(ErrorCode).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(field => (string)field.GetRawConstantValue()!);
        // One that no action gives yet cannot be provoked.
        var given = WireDocument.Current.Schemas
            .Select(schema => schema.Value!["properties"]?["error"]?["properties"]?["code"]?["enum"]?.AsArray())
            .SelectMany(codes => codes ?? [])
            .Select(code => code!.GetValue<string>()).ToHashSet(StringComparer.Ordinal);
        Assert.Equal(
            codes.Where(given.Contains).Except(SealedRefusalTests.Codes).Order(),
            Requests.Select(row => row.Outcome.Split(' ')[0]).Concat(Needs.Keys).Distinct().Where(code => code != "ok")
                .Order());
    }

    [Fact]
    public async Task Request_is_refused_with_its_code_and_the_connection_goes_on()
    {
        await using var alice = await server.SignUpAsync();
        await using var bob = await server.SignUpAsync();
        await using var carol = await server.SignUpAsync();
        var den = await server.CreateLobbyAsync(alice);
        await alice.InviteAsync(den, bob, """["read"]""");
        foreach (var (outcome, by, request) in Requests)
        {
            var guest = by == Who.Alice ? alice : by == Who.Bob ? bob : carol;
            var filled = request.Replace("DEN", den, StringComparison.Ordinal)
                .Replace("ALICE_LOGIN", alice.Login, StringComparison.Ordinal)
                .Replace("ALICE", alice.PublicToken, StringComparison.Ordinal)
                .Replace("BOB", bob.PublicToken, StringComparison.Ordinal)
                .Replace("CAROL", carol.PublicToken, StringComparison.Ordinal);
            var reply = await guest.Client.AskAsync(filled);
            Assert.Equal(outcome, Outcomes.Of(reply));
            await guest.Client.DoAsync("""{"action":"ping"}""");
        }
    }

    [Theory]
    [MemberData(nameof(InNeed))]
    public async Task Server_in_need_says_which(string code)
    {
        var error = (await Needs[code](this))["error"]!;
        Assert.Equal(code, error["code"]!.GetValue<string>());
        var isWorthAnotherTry = code is ErrorCode.RateLimited or ErrorCode.Busy or ErrorCode.UnknownOutcome;
        Assert.Equal(isWorthAnotherTry, error["retry_after_ms"] is not null);
        Assert.Equal(code == ErrorCode.Internal, error["trace"] is not null);
    }

    [Fact]
    public async Task Checks_come_in_their_order()
    {
        await using var alice = await server.SignUpAsync();
        await using var gone = await server.SignUpAsync();
        var den = await server.CreateLobbyAsync(alice);
        await alice.InviteAsync(den, gone);
        var at = $"\"lobby_name\":\"{den}\"";
        var once = $$"""{"action":"message",{{at}},"row_data":1,"nonce":"{{Nonce}}"}""";
        var strange = $"\"token\":\"{Nobody}\"";
        await gone.Client.DoAsync(once);
        await alice.Client.DoAsync($$"""{"action":"remove_member",{{at}},"public_token":"{{gone.PublicToken}}"}""");
        await Outcomes.HoldAsync(gone.Client,
        [
            // Form before token.
            ("""{"id":[],"action":"dance"}""", "bad_request id"),
            ($$"""{"action":"message",{{strange}},{{at}}}""", "bad_request row_data"),
            ($$"""{"action":"message",{{strange}},{{at}},"row_data":1,"nonce":7}""", "bad_request nonce"),
            // Token before anything that is there.
            (once.Replace(at, at + "," + strange, StringComparison.Ordinal), "bad_token"),
            ($$"""{"action":"history",{{strange}},"lobby_name":"nowhere"}""", "bad_token"),
            // The nonce before membership.
            (once, "ok"),
            (once.Replace("\"row_data\":1", "\"row_data\":2", StringComparison.Ordinal), "nonce_reused"),
            (once.Replace(Nonce, Nobody, StringComparison.Ordinal), "forbidden"),
            // Membership before everything else.
            ($$"""{"action":"subscribe",{{at}},"after":99}""", "forbidden"),
            ($$"""{"action":"subscribe",{{at}},"after":0,"epoch":"another"}""", "forbidden"),
            ($$"""{"action":"invite_lobby",{{at}},"public_token":"{{Nobody}}"}""", "forbidden"),
            ($$"""{"action":"set_rights",{{at}},"public_token":"{{Nobody}}","rights":[]}""", "forbidden"),
            ($$"""{"action":"remove_member",{{at}},"public_token":"{{Nobody}}"}""", "forbidden"),
        ]);
    }

    // Alice, who has a lobby "den", asks a server of her own.
    async Task<JsonObject> AskAsync(string request, Limits? limits = null, Registration? registration = null)
    {
        await using var own = await TestServer.StartAsync(postgres, limits);
        await using var alice = await MoveInAsync(own);
        if (registration is null)
        {
            // What is allowed at once may be more than one.
            for (var number = 0; number < 10; number++)
            {
                var reply = await alice.AskAsync(request);
                if (Outcomes.Of(reply) != "ok")
                    return reply;
            }
            Assert.Fail("nothing was refused");
        }
        await using var closed = await TestServer.StartAsync(postgres, registration: registration);
        await using var client = await closed.ConnectAsync();
        return await client.AskAsync(request);
    }

    async Task<JsonObject> AskWithoutDatabaseAsync()
    {
        await using var line = await OpenLineAsync();
        await using var far = await TestServer.StartBesideAsync(line.ConnectionString, Hasty);
        await using var alice = await MoveInAsync(far);
        line.Cut();
        var reply = await alice.AskAsync("""{"action":"lobby_id","lobby_name":"elsewhere"}""");
        line.Mend();
        return reply;
    }

    // The flight waits for a lock when its line is cut, and nobody can tell what became of it.
    async Task<JsonObject> PostAndLoseDatabaseAsync()
    {
        var database = await postgres.CreateDatabaseAsync("migrated", StorageRooms.MigrateAsync);
        await using var line = new PostgresLine(database);
        await using var far = await TestServer.StartBesideAsync(line.ConnectionString, Hasty);
        await using var alice = await MoveInAsync(far);
        await using var held = await LobbyLock.TakeAsync(database);
        await alice.SendAsync("""{"action":"message","lobby_name":"den","row_data":"doubtful"}""");
        await held.UntilWantedAsync();
        line.Cut();
        var reply = await alice.ReplyAsync();
        line.Mend();
        return reply;
    }

    async Task<JsonObject> AskBrokenDatabaseAsync()
    {
        await using var own = await TestServer.StartAsync(postgres);
        await using var alice = await MoveInAsync(own);
        await using var database = NpgsqlDataSource.Create(own.Database);
        await using (var breaking = database.CreateCommand("ALTER TABLE entries RENAME TO hidden"))
            await breaking.ExecuteNonQueryAsync(Cancellation);
        return await alice.AskAsync("""{"action":"message","lobby_name":"den","row_data":1}""");
    }

    static Limits Hasty { get; } = new() { DatabaseWaitMax = TimeSpan.FromMilliseconds(300) };

    async Task<PostgresLine> OpenLineAsync() =>
        new(await postgres.CreateDatabaseAsync("migrated", StorageRooms.MigrateAsync));

    static async Task<WireClient> MoveInAsync(TestServer own)
    {
        var alice = await own.ConnectAsync();
        await alice.SignUpAsync("alice");
        await alice.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
        return alice;
    }
}
