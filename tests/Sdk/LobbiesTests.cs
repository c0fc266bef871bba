using Conclave.Protocol;
using Conclave.Sdk;
using Conclave.Tests.Support;

namespace Conclave.Tests.Sdk;

/// <summary>Lobbies are changed through the SDK as through the wire.</summary>
public sealed class LobbiesTests(PostgresCluster postgres)
{
    [Fact]
    public async Task Rights_are_changed_and_members_removed_and_whoever_left_is_told_where_reading_ended()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var server = await TestServer.StartAsync(postgres);
        await using var alice = Client(server);
        await using var bob = Client(server);
        await SignUpAsync(alice, "alice");
        await SignUpAsync(bob, "bob");
        var (owner, member) = (alice.User!.PublicToken, bob.User!.PublicToken);
        await alice.CreateLobbyAsync("keys", cancellationToken: cancel);
        await alice.InviteAsync("keys", member, cancellationToken: cancel);
        await using var reading = await bob.SubscribeAsync("keys", Position.Start, cancel);

        var nonce = Guid.NewGuid();
        foreach (var isDuplicate in (bool?[])[null, true])
        {
            var changed = await alice.Lobbies.SetRightsAsync("keys", member, Rights.Admin, nonce, cancel);
            Assert.Equal((3, isDuplicate), (changed.Seq, changed.Duplicate));
        }
        Assert.Equal(4, (await bob.Lobbies.SetRightsAsync("keys", owner, Rights.Read, cancellationToken: cancel)).Seq);
        Assert.Equal(ErrorCode.LastAdmin, await RefusedAsync(() => bob.Lobbies.LeaveAsync("keys", null, cancel)));
        Assert.Equal(ErrorCode.Forbidden, await RefusedAsync(
            () => alice.Lobbies.RemoveMemberAsync("keys", member, cancellationToken: cancel)));
        await bob.Lobbies.SetRightsAsync("keys", owner, Rights.All, cancellationToken: cancel);
        Assert.Equal(6, (await bob.Lobbies.LeaveAsync("keys", cancellationToken: cancel)).Seq);
        Assert.Equal(ErrorCode.NotAMember, await RefusedAsync(
            () => alice.Lobbies.RemoveMemberAsync("keys", member, cancellationToken: cancel)));

        List<Entry> entries = [];
        var removed = await Assert.ThrowsAsync<RemovedException>(async () =>
        {
            await foreach (var entry in reading.ReadAllAsync(cancel))
                entries.Add(entry);
        });
        Assert.Equal(6, removed.Seq);
        Assert.Equal([1, 2, 3, 4, 5, 6], entries.Select(entry => (int)entry.Seq));
        Assert.Equal(Rights.Read | Rights.Admin, entries[2].Rights);
    }

    static async Task<string> RefusedAsync(Func<Task> action) =>
        (await Assert.ThrowsAsync<RefusedException>(action)).Code;

    static async Task SignUpAsync(ConclaveClient client, string login)
    {
        await client.RegisterAsync(login, "correct horse", TestContext.Current.CancellationToken);
        await client.SignInAsync(login, "correct horse", TestContext.Current.CancellationToken);
    }

    static ConclaveClient Client(TestServer server) => new(ConclaveOptions.Default with { Server = server.Url });
}
