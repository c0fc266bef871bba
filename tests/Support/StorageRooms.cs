using System.Net;
using System.Text;
using Conclave.Protocol;
using Conclave.Server.Accounts;
using Conclave.Server.Storage;
using Npgsql;

namespace Conclave.Tests.Support;

/// <summary>The storage of a server, on a database of its own, with nothing above it.</summary>
sealed class StorageRooms : IAsyncDisposable
{
    readonly MasterKey _masterKey;

    StorageRooms(string connectionString, Database database, MasterKey masterKey)
    {
        ConnectionString = connectionString;
        Database = database;
        _masterKey = masterKey;
        Users = new UserStore(database);
        Sessions = new SessionStore(database);
        Lobbies = new LobbyStore(database, masterKey);
        Entries = new EntryStore(database);
    }

    public string ConnectionString { get; }

    public Database Database { get; }

    public UserStore Users { get; }

    public SessionStore Sessions { get; }

    public LobbyStore Lobbies { get; }

    public EntryStore Entries { get; }

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<StorageRooms> OpenAsync(PostgresCluster postgres)
    {
        var connectionString = await postgres.CreateDatabaseAsync("migrated", MigrateAsync);
        return await OpenAsync(connectionString);
    }

    public static async Task<StorageRooms> OpenAsync(string connectionString)
    {
        return await OpenAsync(connectionString, new MasterKey(new byte[MasterKey.KeyBytes]));
    }

    /// <summary>On a database whose lobby keys <paramref name="masterKey"/> opens.</summary>
    public static async Task<StorageRooms> OpenAsync(string connectionString, MasterKey masterKey)
    {
        var database = await Database.OpenAsync(connectionString, Cancellation);
        return new StorageRooms(connectionString, database, masterKey);
    }

    public static async Task MigrateAsync(string connectionString)
    {
        await using var opened = await Database.OpenAsync(connectionString, CancellationToken.None);
    }

    public async Task<Person> AddUserAsync(string login)
    {
        var person = new Person(login, Guid.CreateVersion7());
        Assert.True(await Users.AddAsync(person, "hash of " + login, Cancellation));
        return person;
    }

    /// <summary>A new session of a user of <see cref="AddUserAsync"/>, which must succeed.</summary>
    public static async Task<(Session Session, Guid Token)> SignInAsync(
        Sessions sessions, Person person, string? client = null, IPAddress? address = null)
    {
        var (outcome, session, token) = await sessions.OpenAsync(
            person, "hash of " + person.Login, client, address, Cancellation);
        Assert.Equal(SignIn.Opened, outcome);
        return (session, token);
    }

    /// <summary>A lobby that <paramref name="creator"/> makes; seq 1 is its creation.</summary>
    public async Task<LobbyInfo> CreateLobbyAsync(Person creator, string name = "den")
    {
        var creation = Creation(creator, name);
        Assert.Equal(Outcome.Stored, (await AppendAsync(creation)).Outcome);
        return creation.Lobby;
    }

    public NewEntry Creation(Person author, string name, Guid? nonce = null)
    {
        var (lobby, wrappedKey) = Lobbies.Draw();
        return new NewEntry
        {
            Lobby = lobby,
            Kind = EntryKind.LobbyCreated,
            Author = author,
            Nonce = nonce ?? Guid.NewGuid(),
            Name = name,
            WrappedKey = wrappedKey,
        };
    }

    public static NewEntry Message(LobbyInfo lobby, Person author, string text, Guid? nonce = null) =>
        NewEntry.Message(lobby, author, nonce ?? Guid.NewGuid(), Encoding.UTF8.GetBytes($"\"{text}\""));

    public static NewEntry Invitation(
        LobbyInfo lobby, Person author, Person member, Rights rights = Rights.Default, Guid? nonce = null) =>
        Change(EntryKind.MemberInvited, lobby, author, member, rights, nonce);

    public static NewEntry RightsChange(LobbyInfo lobby, Person author, Person member, Rights rights) =>
        Change(EntryKind.RightsChanged, lobby, author, member, rights);

    public static NewEntry Removal(LobbyInfo lobby, Person author, Person member) =>
        Change(EntryKind.MemberRemoved, lobby, author, member);

    public async Task<Appended> AppendAsync(NewEntry entry) => (await AppendAsync([entry]))[0];

    public async Task<Appended[]> AppendAsync(NewEntry[] entries, bool patient = false)
    {
        await using var connection = await Entries.ConnectAsync(Cancellation);
        return await EntryStore.AppendAsync(connection, entries, Limits.Default, patient, Cancellation);
    }

    /// <summary>The whole log of a lobby.</summary>
    public Task<List<StoredEntry>> LogAsync(LobbyInfo lobby) => Entries.ReadAsync(
        lobby, new PageRange(0, Backward: false, int.MaxValue, int.MaxValue), Cancellation);

    /// <summary>Runs a statement of the test's own.</summary>
    public async Task<object?> RunAsync(string sql, params object[] parameters)
    {
        await using var command = Database.Source.CreateCommand(sql);
        foreach (var parameter in parameters)
            command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        return await command.ExecuteScalarAsync(Cancellation);
    }

    /// <summary>Locks a lobby's row until the returned transaction is disposed.</summary>
    public async Task<NpgsqlTransaction> LockAsync(LobbyInfo lobby)
    {
        var connection = await Database.Source.OpenConnectionAsync(Cancellation);
        var transaction = await connection.BeginTransactionAsync(Cancellation);
        await using var command = new NpgsqlCommand(
            "SELECT FROM lobbies WHERE lobby_id = $1 FOR UPDATE", connection, transaction);
        command.Parameters.Add(new NpgsqlParameter { Value = lobby.LobbyId });
        await command.ExecuteNonQueryAsync(Cancellation);
        return transaction;
    }

    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        _masterKey.Dispose();
    }

    static NewEntry Change(
        EntryKind kind, LobbyInfo lobby, Person author, Person member, Rights? rights = null, Guid? nonce = null) =>
        new()
        {
            Lobby = lobby,
            Kind = kind,
            Author = author,
            Nonce = nonce ?? Guid.NewGuid(),
            Member = member.PublicToken,
            Rights = rights,
        };
}
