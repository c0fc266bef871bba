using System.Security.Cryptography;
using Conclave.Server.Storage;
using Conclave.Tests.Support;
using static Conclave.Tests.Support.StorageRooms;

namespace Conclave.Tests.Server.Storage;

/// <summary>Reading the log in pages.</summary>
public sealed class PageTests(PostgresCluster postgres)
{
    const long Newest = (1L << 53) - 1;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Pages_are_ascending_and_bounded_by_count_in_both_directions()
    {
        await using var rooms = await OpenAsync(postgres);
        var (lobby, _) = await FillAsync(rooms, Enumerable.Repeat(10, 9));

        Assert.Equal([1, 2, 3], await SeqsAsync(rooms, lobby, new(0, Backward: false, 3, int.MaxValue)));
        Assert.Equal([9, 10], await SeqsAsync(rooms, lobby, new(8, Backward: false, 3, int.MaxValue)));
        Assert.Empty(await SeqsAsync(rooms, lobby, new(10, Backward: false, 3, int.MaxValue)));
        Assert.Equal([8, 9, 10], await SeqsAsync(rooms, lobby, new(Newest, Backward: true, 3, int.MaxValue)));
        Assert.Equal([4, 5, 6], await SeqsAsync(rooms, lobby, new(7, Backward: true, 3, int.MaxValue)));
        Assert.Empty(await SeqsAsync(rooms, lobby, new(1, Backward: true, 3, int.MaxValue)));
    }

    [Fact]
    public async Task Page_ends_when_its_bytes_are_used_up_but_never_before_its_first_entry()
    {
        await using var rooms = await OpenAsync(postgres);
        // Seq 2 to 6.
        var (lobby, _) = await FillAsync(rooms, [10, 50_000, 50_000, 10, 50_000]);

        Assert.Equal([1], await SeqsAsync(rooms, lobby, new(0, Backward: false, 100, BytesMax: 1)));
        Assert.Equal([3], await SeqsAsync(rooms, lobby, new(2, Backward: false, 100, BytesMax: 1)));
        Assert.Equal([1, 2, 3], await SeqsAsync(rooms, lobby, new(0, Backward: false, 100, BytesMax: 40_000)));
        Assert.Equal([3, 4], await SeqsAsync(rooms, lobby, new(2, Backward: false, 100, BytesMax: 60_000)));
        Assert.Equal([6], await SeqsAsync(rooms, lobby, new(Newest, Backward: true, 100, BytesMax: 1)));
        Assert.Equal([4, 5, 6], await SeqsAsync(rooms, lobby, new(Newest, Backward: true, 100, BytesMax: 60_000)));
    }

    [Fact]
    public async Task Bodies_over_the_bound_are_left_out_with_their_size_and_do_not_count()
    {
        await using var rooms = await OpenAsync(postgres);
        var (lobby, bodies) = await FillAsync(rooms, [10, 1 << 20, 100]);
        var range = new PageRange(1, Backward: false, 100, BytesMax: 60_000, BodyBytesMax: 100);

        var page = await rooms.Entries.ReadAsync(lobby, range, Cancellation);

        Assert.Equal([10, 1 << 20, 100], page.Select(entry => entry.RowBytes));
        Assert.Equal(bodies[0], page[0].RowData.ToArray());
        Assert.True(page[1].RowData.IsEmpty);
        Assert.Equal(bodies[2], page[2].RowData.ToArray());
    }

    [Fact]
    public async Task Large_bodies_come_back_byte_by_byte()
    {
        await using var rooms = await OpenAsync(postgres);
        var (lobby, bodies) = await FillAsync(rooms, [1 << 20, (1 << 20) - 1, 1, 2000]);

        var log = await rooms.LogAsync(lobby);

        Assert.Equal(bodies, log.Skip(1).Select(entry => entry.RowData.ToArray()));
    }

    [Fact]
    public async Task Body_that_was_moved_to_another_entry_does_not_open()
    {
        await using var rooms = await OpenAsync(postgres);
        var (lobby, _) = await FillAsync(rooms, [100, 100]);
        await rooms.RunAsync("UPDATE entries SET body = (SELECT body FROM entries WHERE seq = 2) WHERE seq = 3");

        await Assert.ThrowsAsync<CryptographicException>(() => rooms.LogAsync(lobby));
    }

    static async Task<(LobbyInfo Lobby, byte[][] Bodies)> FillAsync(StorageRooms rooms, IEnumerable<int> sizes)
    {
        var alice = await rooms.AddUserAsync("alice");
        var lobby = await rooms.CreateLobbyAsync(alice);
        var bodies = sizes.Select(RandomNumberGenerator.GetBytes).ToArray();
        var posts = Array.ConvertAll(bodies, body => NewEntry.Message(lobby, alice, Guid.NewGuid(), body));
        Assert.All(await rooms.AppendAsync(posts), result => Assert.Equal(Outcome.Stored, result.Outcome));
        return (lobby, bodies);
    }

    static async Task<IEnumerable<long>> SeqsAsync(StorageRooms rooms, LobbyInfo lobby, PageRange range) =>
        (await rooms.Entries.ReadAsync(lobby, range, Cancellation)).Select(entry => entry.Seq);
}
