using Conclave.Tests.Support;

namespace Conclave.Tests.Server;

/// <summary>Nothing else runs meanwhile: allocations are counted for the whole process.</summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class Undisturbed;

/// <summary>
/// What a post and a delivery may allocate in the server, in bytes. Time depends on the machine, and bytes do not; more
/// of them means more work for the collector, and later pauses for everybody. These are bytes of a debug build,
/// where each async method costs an object; bench/Micro shows those of a release build.
/// </summary>
[Collection(typeof(Undisturbed))]
public sealed class AllocationTests(PostgresCluster postgres)
{
    // A lone post pays for a flight to the database by itself; in a crowd it pays for a share of one.
    const int LonePostBytesMax = 12_300;
    const int CrowdedPostBytesMax = 4_500;
    const int DeliveryBytesMax = 66;

    const int CrowdSize = 32;
    const int ReaderCount = 16;
    const int RowBytes = 256;

    // The least of several windows: a timer or a pool that grows may fall into any one of them.
    const int WindowCount = 6;
    const int WindowPosts = 10 * CrowdSize;

    [Fact]
    public async Task Post_and_delivery_allocate_no_more_than_their_ceilings()
    {
        await using var server = await TestServer.StartAsync(postgres, TestServer.Unhurried);
        await using var owner = await server.ConnectAsync();
        var token = await owner.SignUpAsync("owner");
        await owner.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");

        var post = FrugalPeer.Frame(
            $$"""
            {"action":"message","token":"{{token}}","lobby_name":"den","row_data":"{{new string('x', RowBytes - 2)}}"}
            """);
        byte[] crowd = [.. Enumerable.Repeat(post, CrowdSize).SelectMany(frame => frame)];
        using var author = FrugalPeer.Connect(server.Url);
        var lone = Measure(() => PostAlone(author, post));
        var crowded = Measure(() => PostInCrowds(author, crowd, []));

        var readers = new FrugalPeer[ReaderCount];
        for (var index = 0; index < ReaderCount; index++)
        {
            readers[index] = FrugalPeer.Connect(server.Url);
            readers[index].Do($$"""{"action":"subscribe","token":"{{token}}","lobby_name":"den"}""");
        }
        var read = Measure(() => PostInCrowds(author, crowd, readers));
        foreach (var reader in readers)
            reader.Dispose();

        var delivery = (read - crowded) / ReaderCount;
        var measured = FormattableString.Invariant(
            $"bytes for a lone post: {lone:0}, for one in a crowd: {crowded:0}, for a delivery: {delivery:0}");
        TestContext.Current.TestOutputHelper?.WriteLine(measured);
        Assert.True(
            lone <= LonePostBytesMax && crowded <= CrowdedPostBytesMax && delivery <= DeliveryBytesMax, measured);
    }

    // Bytes for each post.
    static double Measure(Action window)
    {
        var least = long.MaxValue;
        for (var index = 0; index < WindowCount; index++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            window();
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }
        return (double)least / WindowPosts;
    }

    static void PostAlone(FrugalPeer author, byte[] post)
    {
        for (var index = 0; index < WindowPosts; index++)
        {
            author.Send(post);
            author.Skip(1);
        }
    }

    static void PostInCrowds(FrugalPeer author, byte[] crowd, FrugalPeer[] readers)
    {
        for (var index = 0; index < WindowPosts; index += CrowdSize)
        {
            author.Send(crowd);
            author.Skip(CrowdSize);
            foreach (var reader in readers)
                reader.Skip(CrowdSize);
        }
    }
}
