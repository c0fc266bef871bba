using System.Text;
using System.Text.Json.Nodes;
using Conclave.Roster;
using Conclave.Sdk;
using Conclave.Sdk.Sealing;
using Conclave.Sealing;
using static Conclave.Tests.Sdk.Sealing.PaperForm;

namespace Conclave.Tests.Sdk.Sealing;

/// <summary>
/// A server of sealed lobbies on a real socket, as short as can be. It judges as it must, unless a test has it lie: by
/// <see cref="Lie"/> about any reply, by a lobby of its own for somebody, or by rows put into a lobby by force.
/// </summary>
sealed class PaperServer : IAsyncDisposable
{
    readonly SemaphoreSlim _turn = new(1, 1);
    readonly List<(Talk Talk, PaperUser User, Guid Lobby, long After)> _followers = [];
    readonly Dictionary<string, byte[]> _seeds = [];
    readonly Dictionary<string, Talk> _talks = [];
    ScriptedServer _server = null!;

    public Uri Address => _server.Address;

    public Dictionary<string, PaperUser> Users { get; } = [];

    public Dictionary<Guid, PaperLobby> Lobbies { get; } = [];

    /// <summary>Lobbies that only somebody sees so: by login.</summary>
    public Dictionary<string, PaperLobby> Apart { get; } = [];

    /// <summary>Every request that came, with its action, for what must not have been sent.</summary>
    public List<JsonObject> Requests { get; } = [];

    /// <summary>Changes a reply before it is sent; null leaves it as it is.</summary>
    public Func<JsonObject, JsonObject, JsonObject?>? Lie { get; set; }

    /// <summary>Changes a live entry before somebody, by login, is sent it.</summary>
    public Action<string, JsonObject>? Twist { get; set; }

    public static async Task<PaperServer> StartAsync()
    {
        var paper = new PaperServer();
        paper._server = await ScriptedServer.StartAsync(paper.TalkAsync);
        return paper;
    }

    /// <summary>A client of somebody whose identity is on this device, without paying for a password.</summary>
    public ConclaveClient Client(string login, string folder)
    {
        var client = new ConclaveClient(OptionsFor(folder));
        client.UseToken("token of " + login, login);
        return client;
    }

    public ConclaveOptions OptionsFor(string folder) => ConclaveOptions.Default with
    {
        Server = Address,
        StateFolder = folder,
        ReconnectWaitMin = TimeSpan.FromMilliseconds(1),
        ReconnectWaitMax = TimeSpan.FromMilliseconds(20),
    };

    /// <summary>A user of one of the published identities, or of a new one, with their keys in a folder.</summary>
    public PaperUser Enrol(string login, string folder, Identity? identity = null)
    {
        var mine = identity ?? Identity.Create(login);
        var seed = new byte[Identity.SeedBytes];
        mine.ExportSeed(seed);
        _seeds[login] = seed;
        var user = Users.TryGetValue(login, out var known) ? known : new PaperUser(login, Guid.NewGuid());
        user.Identity = new JsonObject { ["record"] = Base64Text.Encode(mine.Record.Bytes) };
        Users[login] = user;
        // Nothing is asked over this link.
        using var session = SealedSession.Open(new Link(OptionsFor(folder)), OptionsFor(folder), login);
        session.Enter(mine, user.Token, KdfParameters.Create());
        return user;
    }

    /// <summary>The seed that somebody was enrolled with last; null for nobody.</summary>
    public byte[]? SeedOf(string login) => _seeds.GetValueOrDefault(login);

    /// <summary>Tells somebody that a member needs a key.</summary>
    public async Task AskForKeyAsync(string login, PaperLobby lobby, long generation, PaperUser member)
    {
        var hint = new JsonObject
        {
            ["event"] = "key_needed",
            ["lobby_id"] = lobby.Id.ToString(),
            ["generation"] = generation,
            ["member"] = PaperLobby.Person(member.Token, LoginOf),
        };
        await _turn.WaitAsync();
        await _talks[login].SendAsync(hint.ToJsonString());
        _turn.Release();
    }

    public PaperLobby LobbyNamed(string name) => Lobbies.Values.Single(lobby => lobby.Name == name);

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _turn.Dispose();
    }

    async Task TalkAsync(Talk talk)
    {
        while (true)
        {
            var element = await talk.ReadAsync();
            await _turn.WaitAsync(talk.Gone);
            try
            {
                var request = JsonNode.Parse(element.GetRawText())!.AsObject();
                Requests.Add(request);
                if ((string?)request["token"] is { } token && token.StartsWith("token of ", StringComparison.Ordinal))
                    _talks[token["token of ".Length..]] = talk;
                JsonObject reply;
                try
                {
                    reply = Answer(talk, request);
                    reply["ok"] = true;
                }
                catch (RefusalException refused)
                {
                    var error = new JsonObject { ["code"] = refused.Message, ["message"] = "No." };
                    reply = new JsonObject { ["ok"] = false, ["error"] = error };
                }
                reply["id"] = request["id"]!.DeepClone();
                reply["action"] = request["action"]!.DeepClone();
                await talk.SendAsync(PaperLobby.Raw(Lie?.Invoke(request, reply) ?? reply));
                await DeliverAsync();
            }
            finally
            {
                _turn.Release();
            }
        }
    }

    JsonObject Answer(Talk talk, JsonObject request) => (string)request["action"]! switch
    {
        "ping" => new() { ["server_time"] = "2026-11-22T10:00:00.000Z" },
        "register" => Register(request),
        "kdf" => new() { ["kdf"] = UserOf((string)request["login"]!).Kdf?.DeepClone() },
        "auth" => Auth(request),
        "change_password" => ChangePassword(request),
        "whoami" => Tell(Me(request)),
        "logout" or "unsubscribe" => [],
        "get_public_token" => Tell(UserOf((string)request["login"]!)),
        "lobby_id" => LobbyId(request),
        "my_lobbies" => PaperLists.Mine(this, Me(request)),
        "create_lobby" => Create(request),
        "invite_lobby" or "remove_member" or "set_rights" or "rename_lobby" or "rotate_key" or "succeed_member" =>
            Change(request),
        "roster" => Roster(request),
        "my_keys" => MyKeys(request),
        "need_key" or "rewrap_key" => PaperKeys.Answer(this, request, Me(request), Lobby(request)),
        "message" => Message(request),
        "history" => History(request),
        "subscribe" => Subscribe(talk, request),
        _ => throw new RefusalException("unknown_action"),
    };

    JsonObject Register(JsonObject request)
    {
        var login = (string)request["login"]!;
        Users[login] = new PaperUser(login, Guid.NewGuid())
        {
            Kdf = request["kdf"]?.DeepClone(),
            Auth = (string)request["password"]!,
            Identity = request["identity"]?.DeepClone(),
            Vault = (string?)request["vault"],
        };
        return new() { ["login"] = login, ["public_token"] = Users[login].Token.ToString() };
    }

    JsonObject Auth(JsonObject request)
    {
        var user = UserOf((string)request["login"]!);
        if (user.Auth != (string)request["password"]!)
            throw new RefusalException("bad_credentials");
        return new()
        {
            ["token"] = "token of " + user.Login,
            ["public_token"] = user.Token.ToString(),
            ["login"] = user.Login,
            ["expires_at"] = "2027-11-22T10:00:00.000Z",
            ["identity"] = user.Identity?.DeepClone(),
            ["vault"] = user.Vault,
        };
    }

    JsonObject ChangePassword(JsonObject request)
    {
        var user = Me(request);
        if (user.Auth != (string)request["old_password"]!)
            throw new RefusalException("bad_credentials");
        (user.Auth, user.Kdf) = ((string)request["new_password"]!, request["kdf"]?.DeepClone());
        user.Vault = (string?)request["vault"];
        user.Identity = request["identity"]?.DeepClone() ?? user.Identity;
        return [];
    }

    JsonObject LobbyId(JsonObject request)
    {
        var lobby = Lobby(request);
        return new()
        {
            ["lobby_id"] = lobby.Id.ToString(),
            ["lobby_name"] = lobby.Name,
            ["sealed"] = true,
            ["created_by"] = PaperLobby.Person(lobby.Rows[0].Sender, LoginOf),
            ["created_at"] = "2026-11-22T10:00:00.000Z",
        };
    }

    JsonObject Create(JsonObject request)
    {
        var user = Me(request);
        var name = (string)request["lobby_name"]!;
        if (request["sealed"] is not JsonObject parts)
            return new() { ["lobby_id"] = Guid.NewGuid().ToString(), ["lobby_name"] = name, ["seq"] = 1 };
        var entry = Entry((string)parts["roster_entry"]!);
        var lobby = new PaperLobby(SealedLobbyId.Of(entry.Hash), name);
        Know(lobby);
        Check(lobby.Append(user.Token, SealedRow.AroundEntry(entry), null).Verdict);
        Keep(lobby, 1, parts["key_wraps"]!.AsArray());
        Lobbies.Add(lobby.Id, lobby);
        return new()
        {
            ["lobby_id"] = lobby.Id.ToString(),
            ["lobby_name"] = name,
            ["seq"] = 1,
            ["hash"] = lobby.HashAt(1),
        };
    }

    JsonObject Change(JsonObject request)
    {
        var (user, lobby) = (Me(request), Lobby(request));
        var entry = Entry((string)request["roster_entry"]!);
        Know(lobby);
        var (verdict, seq) = lobby.Append(user.Token, SealedRow.AroundEntry(entry), null);
        Check(verdict);
        var generation = lobby.Log.Roster!.Generation;
        if (request["key_wraps"] is JsonArray wraps)
            Keep(lobby, generation, wraps);
        if (request["key_wrap"] is JsonObject wrap)
            Keep(lobby, generation, [wrap.DeepClone()]);
        if (entry.Change is RosterChange.Rename rename)
            lobby.Name = rename.Name;
        return new() { ["seq"] = seq, ["hash"] = lobby.HashAt(seq) };
    }

    JsonObject Roster(JsonObject request)
    {
        var (_, lobby) = (Member(request), Lobby(request));
        var after = (ulong)((long?)request["after"] ?? 0);
        return new()
        {
            ["entries"] = new JsonArray([.. lobby.Roster().Where(row => row.Entry.Height > after).Select(row =>
                new JsonObject { ["seq"] = row.Seq, ["roster_entry"] = Base64Text.Encode(row.Entry.Bytes.Span) })]),
            ["identities"] = new JsonArray([.. lobby.Identities.Values.Select(identity => new JsonObject
            {
                ["login"] = identity.Login, ["public_token"] = Guid.Empty.ToString(),
                ["record"] = Base64Text.Encode(identity.Bytes),
            })]),
            ["more"] = false,
        };
    }

    JsonObject MyKeys(JsonObject request)
    {
        var (user, lobby) = (Member(request), Lobby(request));
        var mine = Record(user).Fingerprint;
        return new()
        {
            ["key_wraps"] = new JsonArray([.. lobby.Wraps.Where(wrap => wrap.To == mine).Select(wrap =>
                new JsonObject { ["generation"] = wrap.Generation, ["wrap"] = Base64Text.Encode(wrap.Wrap) })]),
            ["more"] = false,
        };
    }

    JsonObject Message(JsonObject request)
    {
        var (user, lobby) = (Me(request), Lobby(request));
        var nonce = Guid.Parse((string)request["nonce"]!);
        var rowData = Encoding.UTF8.GetBytes(request["row_data"]!.ToJsonString(PaperLobby.Relaxed));
        var (verdict, seq) = lobby.Append(user.Token, rowData, nonce);
        Check(verdict);
        return new()
        {
            ["lobby_id"] = lobby.Id.ToString(),
            ["seq"] = seq,
            ["sent_at"] = "2026-11-22T10:00:00.000Z",
            ["hash"] = lobby.HashAt(seq),
        };
    }

    JsonObject History(JsonObject request)
    {
        var (_, lobby) = (Member(request), Lobby(request));
        var limit = (int)((long?)request["limit"] ?? 100);
        var after = (long?)request["after"] ?? Math.Max(0, lobby.Rows.Count - limit);
        var rows = lobby.Rows.Where(row => row.Seq > after).Take(limit).ToList();
        return new()
        {
            ["events"] = new JsonArray(
                [.. rows.Select(row => lobby.Event(row, LoginOf, (int?)(long?)request["body_max"]))]),
            ["last_seq"] = lobby.Rows.Count,
            ["more"] = after + rows.Count < lobby.Rows.Count,
            ["hash"] = lobby.HashAt(lobby.Rows.Count),
            ["base"] = new JsonObject { ["seq"] = after, ["hash"] = lobby.HashAt(Math.Min(after, lobby.Rows.Count)) },
        };
    }

    JsonObject Subscribe(Talk talk, JsonObject request)
    {
        var (user, lobby) = (Member(request), Lobby(request));
        var after = (long?)request["after"] ?? lobby.Rows.Count;
        _followers.RemoveAll(follower => follower.Talk == talk && follower.Lobby == lobby.Id);
        _followers.Add((talk, user, lobby.Id, after));
        return new()
        {
            ["lobby_id"] = lobby.Id.ToString(),
            ["lobby_name"] = lobby.Name,
            ["rights"] = new JsonArray("read", "write"),
            ["last_seq"] = lobby.Rows.Count,
            ["epoch"] = "one",
        };
    }

    async Task DeliverAsync()
    {
        for (var index = 0; index < _followers.Count; index++)
        {
            var (talk, user, id, after) = _followers[index];
            var lobby = Apart.GetValueOrDefault(user.Login) ?? Lobbies[id];
            foreach (var row in lobby.Rows.Where(row => row.Seq > after && !talk.Gone.IsCancellationRequested).ToList())
            {
                _followers[index] = (talk, user, id, row.Seq);
                var live = lobby.Event(row, LoginOf, null);
                Twist?.Invoke(user.Login, live);
                await talk.SendAsync(PaperLobby.Raw(live));
            }
        }
    }

    public PaperUser Me(JsonObject request) =>
        (string?)request["token"] is { } token && token.StartsWith("token of ", StringComparison.Ordinal)
            ? Users[token["token of ".Length..]]
            : throw new RefusalException("bad_token");

    PaperUser Member(JsonObject request)
    {
        var user = Me(request);
        // A lobby that is none has no members to compare with.
        return Lobby(request).Log.Roster is { } roster && roster.MemberBy(user.Token) is null
            ? throw new RefusalException("forbidden")
            : user;
    }

    PaperUser UserOf(string login) =>
        Users.TryGetValue(login, out var user) ? user : throw new RefusalException("no_such_user");

    public PaperLobby Lobby(JsonObject request)
    {
        if ((string?)request["token"] is { } token && Apart.TryGetValue(token["token of ".Length..], out var apart))
            return apart;
        return ((string?)request["lobby_id"] is { } id
            ? Lobbies.GetValueOrDefault(Guid.Parse(id))
            : Lobbies.Values.SingleOrDefault(lobby => lobby.Name == (string?)request["lobby_name"]))
            ?? throw new RefusalException("no_such_lobby");
    }

    public string LoginOf(Guid token) => Users.Values.FirstOrDefault(user => user.Token == token)?.Login ?? "nobody";

    static JsonObject Tell(PaperUser user) => new()
    {
        ["login"] = user.Login,
        ["public_token"] = user.Token.ToString(),
        ["registered_at"] = "2026-11-22T10:00:00.000Z",
        ["identity"] = user.Identity?.DeepClone(),
    };

    public static IdentityRecord Record(PaperUser user)
    {
        Assert.Equal(
            Conclave.Roster.Verdict.Accepted,
            IdentityRecord.Accept(user.Login, SealedSession.Decode((string)user.Identity!["record"]!), out var record));
        return record!;
    }

    void Know(PaperLobby lobby)
    {
        foreach (var record in Users.Values.Where(user => user.Identity is not null).Select(Record))
            lobby.Identities.TryAdd(record.Fingerprint, record);
    }
}
