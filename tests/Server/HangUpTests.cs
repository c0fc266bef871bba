using Conclave.Tests.Support;

namespace Conclave.Tests.Server;

/// <summary>The real program when the terminal is closed that it was started in.</summary>
public sealed class HangUpTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("conclave-hangup-").FullName;

    string PostmasterFile => Path.Combine(_folder, "postgres", "data", "postmaster.pid");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Server_whose_terminal_is_closed_ends_in_good_order_and_stops_its_PostgreSQL()
    {
        await using var server = await ServerProcess.StartAsync(_folder);
        Assert.True(File.Exists(PostmasterFile));

        server.HangUp();

        Assert.Equal((0, ""), await server.ExitAsync());
        // PostgreSQL takes it away last of all when it is stopped.
        Assert.False(File.Exists(PostmasterFile));
    }

    [Fact]
    public async Task Server_that_is_to_outlive_its_terminal_does()
    {
        await using var server = await ServerProcess.StartWithoutHangUpAsync(_folder);
        Assert.True(server.IgnoresHangUp());

        server.HangUp();

        await using var client = await WireClient.ConnectAsync(server.Url);
        await client.DoAsync("""{"action":"ping"}""");
        Assert.True(File.Exists(PostmasterFile));
    }
}
