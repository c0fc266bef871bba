using Conclave.Protocol;
using Conclave.Sdk;
using Conclave.Tests.Support;

namespace Conclave.Tests.Sdk.Sealing;

/// <summary>Sealing clients and the real server.</summary>
public sealed class RealServerTests(PostgresCluster postgres) : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("conclave-state-").FullName;

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Whole_story_goes_through_sealed_lobbies()
    {
        await using var server = await TestServer.StartAsync(postgres);
        await using var alice = await SignUpAsync(server, "alice");
        await using var bob = await SignUpAsync(server, "bob");
        await using var carol = await SignUpAsync(server, "carol");

        await alice.Lobbies.CreateSealedAsync("first_lobby", cancellationToken: Cancel);
        await alice.PostAsync("first_lobby", "Новый пароль 'test123'", cancellationToken: Cancel);
        await alice.Lobbies.InviteAsync("first_lobby", "bob", cancellationToken: Cancel);
        await alice.Lobbies.InviteAsync("first_lobby", "carol", Rights.All, Cancel);
        await using var subscription = await bob.SubscribeAsync("first_lobby", Position.Start, Cancel);
        var reading = subscription.ReadAllAsync(Cancel).Take(8).ToListAsync(Cancel);
        await carol.PostAsync("first_lobby", "from carol", cancellationToken: Cancel);
        await alice.Lobbies.RemoveMemberAsync("first_lobby", carol.User!.PublicToken, cancellationToken: Cancel);
        await bob.PostAsync("first_lobby", "without carol", cancellationToken: Cancel);

        var entries = await reading;
        Assert.All(entries, entry => Assert.Equal((Verdict.Verified, null), (entry.Verdict, entry.Fault)));
        Assert.Equal(
            [
                EventName.LobbyCreated, EventName.Message, EventName.MemberInvited, EventName.MemberInvited,
                EventName.Message, EventName.MemberRemoved, EventName.KeyRotated, EventName.Message,
            ],
            entries.Select(entry => entry.Event));
        Assert.Equal(
            ["Новый пароль 'test123'", "from carol", "without carol"],
            entries.Select(entry => entry.Content?.Text).OfType<string>());
        var refused = await Assert.ThrowsAsync<RefusedException>(
            () => carol.PostAsync("first_lobby", "still here?", cancellationToken: Cancel));
        Assert.Equal(ErrorCode.Forbidden, refused.Code);

        await alice.Lobbies.SetRightsAsync("first_lobby", bob.User!.PublicToken, Rights.All, cancellationToken: Cancel);
        var made = await alice.FindLobbyAsync("first_lobby", Cancel);
        await bob.Lobbies.RenameAsync(made.LobbyId, "second_lobby", cancellationToken: Cancel);
        Assert.Equal("second_lobby", (await alice.Lobbies.RosterAsync("first_lobby", Cancel)).LobbyName);
        var codeOfHers = await alice.Trust.LobbyCodeAsync("first_lobby", Cancel);
        Assert.Equal(codeOfHers, await bob.Trust.LobbyCodeAsync("second_lobby", Cancel));
    }

    [Fact]
    public async Task Account_opens_on_another_device_and_after_another_password()
    {
        await using var server = await TestServer.StartAsync(postgres);
        await using var first = await SignUpAsync(server, "alice");
        await first.Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        await first.PostAsync("den", "hello", cancellationToken: Cancel);
        await first.Account.ChangePasswordAsync("password of alice", "Пароль alice", Cancel);

        await using var second = new ConclaveClient(OptionsFor(server, "second device"));
        await Assert.ThrowsAsync<RefusedException>(() => second.SignInAsync("alice", "password of alice", Cancel));
        await second.SignInAsync("Alice", "Пароль alice", Cancel);

        var entry = (await second.HistoryAsync("den", cancellationToken: Cancel)).Entries[^1];
        Assert.Equal(("hello", Verdict.Verified), (entry.Content?.Text, entry.Verdict));
        Assert.True(entry.IsSenderVerified);
        Assert.Equal(await first.Account.RecoveryCodeAsync(Cancel), await second.Account.RecoveryCodeAsync(Cancel));
    }

    [Fact]
    public async Task Password_changes_with_the_identity_that_another_program_has_made()
    {
        await using var server = await TestServer.StartAsync(postgres);
        await using var first = await SignUpAsync(server, "alice");
        var session = await first.SignInAsync("alice", "password of alice", Cancel);
        await using var second = new ConclaveClient(OptionsFor(server, "alice"));
        second.UseToken(session.Token, "alice");
        // It has the old one in memory.
        var old = await second.Account.RecoveryCodeAsync(Cancel);
        await first.Account.ResetIdentityAsync("password of alice"u8.ToArray(), Cancel);

        await second.Account.ChangePasswordAsync("password of alice", "another password", Cancel);

        await using var elsewhere = new ConclaveClient(OptionsFor(server, "elsewhere"));
        await elsewhere.SignInAsync("alice", "another password", Cancel);
        Assert.NotEqual(old, await elsewhere.Account.RecoveryCodeAsync(Cancel));
    }

    [Fact]
    public async Task Plain_account_becomes_a_sealing_one()
    {
        await using var server = await TestServer.StartAsync(postgres);
        await using (var plain = new ConclaveClient(ConclaveOptions.Default with { Server = server.Url }))
            await plain.RegisterAsync("alice", "password of alice", Cancel);
        await using var client = new ConclaveClient(OptionsFor(server, "alice"));
        var alarm = await Assert.ThrowsAsync<AlarmException>(
            () => client.SignInAsync("alice", "password of alice", Cancel));
        Assert.Equal(AlarmCode.PlainAccount, alarm.Code);

        await client.SignInToPlainAccountAsync("alice", "password of alice"u8.ToArray(), Cancel);
        await client.Account.SealPlainAccountAsync(
            "password of alice"u8.ToArray(), "another password"u8.ToArray(), Cancel);
        await client.Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        await client.SignOutAsync(Cancel);
        await client.SignInAsync("alice", "another password", Cancel);
        await client.PostAsync("den", "hello", cancellationToken: Cancel);
    }

    async Task<ConclaveClient> SignUpAsync(TestServer server, string login)
    {
        var client = new ConclaveClient(OptionsFor(server, login));
        await client.RegisterAsync(login, $"password of {login}", Cancel);
        await client.SignInAsync(login, $"password of {login}", Cancel);
        return client;
    }

    ConclaveOptions OptionsFor(TestServer server, string device) => ConclaveOptions.Default with
    {
        Server = server.Url,
        StateFolder = Path.Combine(_folder, device),
    };
}
