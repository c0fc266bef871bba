using Conclave.Protocol;
using Conclave.Sdk;
using Conclave.Server.Accounts;
using Conclave.Tests.Support;

namespace Conclave.Tests.Sdk;

/// <summary>Sessions, passwords and registration through the typed client.</summary>
public sealed class AccountTests(PostgresCluster postgres)
{
    const string OldPassword = "password of alice";
    const string NewPassword = "another password";

    [Fact]
    public async Task Sessions_are_seen_and_ended_and_the_password_changed()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var server = await TestServer.StartAsync(postgres);
        await using var phone = Client(server, "Phone");
        await using var laptop = Client(server, "Laptop");
        await phone.RegisterAsync("alice", OldPassword, cancel);
        await phone.SignInAsync("alice", OldPassword, cancel);
        await laptop.SignInAsync("alice", OldPassword, cancel);

        var sessions = await laptop.Account.SessionsAsync(cancel);
        Assert.Equal([("Laptop", true), ("Phone", false)], sessions.Select(own => (own.Client, own.Current)));
        Assert.True(await laptop.Account.RevokeSessionAsync(sessions[1].SessionId, cancel));
        Assert.False(await laptop.Account.RevokeSessionAsync(sessions[1].SessionId, cancel));
        var ended = await Assert.ThrowsAsync<RefusedException>(() => phone.WhoamiAsync(cancel));
        Assert.Equal(ErrorCode.BadToken, ended.Code);

        await phone.SignInAsync("alice", OldPassword, cancel);
        var wrong = await Assert.ThrowsAsync<RefusedException>(
            () => laptop.Account.ChangePasswordAsync("a wrong one", NewPassword, cancel));
        Assert.Equal(ErrorCode.BadCredentials, wrong.Code);
        await laptop.Account.ChangePasswordAsync(OldPassword, NewPassword, cancel);
        await Assert.ThrowsAsync<RefusedException>(() => phone.WhoamiAsync(cancel));
        await phone.SignInAsync("alice", NewPassword, cancel);
        Assert.Equal(1, await phone.Account.RevokeOtherSessionsAsync(cancel));
        await Assert.ThrowsAsync<RefusedException>(() => laptop.WhoamiAsync(cancel));
    }

    [Fact]
    public async Task Subscription_whose_session_ends_says_so_and_others_go_on_without_a_seam()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var server = await TestServer.StartAsync(postgres);
        await using var phone = Client(server, "Phone");
        await using var laptop = Client(server, "Laptop");
        await phone.RegisterAsync("alice", OldPassword, cancel);
        await phone.SignInAsync("alice", OldPassword, cancel);
        await laptop.SignInAsync("alice", OldPassword, cancel);
        await phone.CreateLobbyAsync("keys", cancellationToken: cancel);
        await using var ending = await phone.SubscribeAsync("keys", Position.Start, cancel);
        await using var lasting = await laptop.SubscribeAsync("keys", Position.Start, cancel);
        var hint = laptop.HintsAsync(cancel).FirstAsync(cancel).AsTask();

        Assert.Equal(1, await laptop.Account.RevokeOtherSessionsAsync(cancel));
        Assert.Equal((EventName.SessionEnded, SessionEnd.Revoked), ((await hint).Event, (await hint).Reason));
        for (var number = 2; number <= 20; number++)
            await laptop.PostAsync("keys", "for one of them", cancellationToken: cancel);

        var ended = await Assert.ThrowsAsync<RefusedException>(
            async () => await ending.ReadAllAsync(cancel).ToListAsync(cancel));
        Assert.Equal(ErrorCode.BadToken, ended.Code);
        var entries = await lasting.ReadAllAsync(cancel).Take(20).ToListAsync(cancel);
        Assert.Equal(Enumerable.Range(1, 20), entries.Select(entry => (int)entry.Seq));
    }

    [Fact]
    public async Task Registration_says_that_it_takes_a_code_and_takes_it()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var server = await TestServer.StartAsync(
            postgres, registration: Registration.WithCode("open sesame"));
        await using var client = Client(server, "Phone");

        var refused = await Assert.ThrowsAsync<RefusedException>(
            () => client.RegisterAsync("alice", OldPassword, cancel));
        Assert.Equal((ErrorCode.RegistrationClosed, "registration_code"), (refused.Code, refused.Field));
        var registered = await client.RegisterAsync("alice", "password of alice"u8.ToArray(), "open sesame", cancel);
        Assert.Equal("alice", registered.Login);
    }

    static ConclaveClient Client(TestServer server, string program) =>
        new(ConclaveOptions.Default with { Server = server.Url, ProgramName = program });
}
