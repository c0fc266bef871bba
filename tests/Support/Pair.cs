namespace Conclave.Tests.Support;

/// <summary>
/// Two connections of a user: what the one posts, the other gets. They notice when the server neglects them.
/// </summary>
sealed class Pair(WireClient author, WireClient reader) : IAsyncDisposable
{
    // Ample for a machine that has other things to do, and far less than any limit that an attack could run into.
    static readonly TimeSpan ExchangeMax = TimeSpan.FromSeconds(5);

    int _count;

    public string Token { get; private init; } = "";

    public static async Task<Pair> ConnectAsync(Uri server)
    {
        var author = await WireClient.ConnectAsync(server);
        var reader = await WireClient.ConnectAsync(server);
        var token = await author.SignUpAsync("pair");
        await author.DoAsync("""{"action":"create_lobby","lobby_name":"pair"}""");
        await reader.DoAsync($$"""{"action":"subscribe","token":"{{token}}","lobby_name":"pair"}""");
        return new Pair(author, reader) { Token = token };
    }

    /// <summary>Posts and gets so many messages, each in its place and soon.</summary>
    public async Task ExchangeAsync(int count)
    {
        for (; count > 0; count--)
        {
            var began = TimeProvider.System.GetTimestamp();
            await author.DoAsync($$"""{"action":"message","lobby_name":"pair","row_data":{{++_count}}}""");
            Assert.Equal(_count, (await reader.EntryAsync())["row_data"]!.GetValue<int>());
            Assert.InRange(TimeProvider.System.GetElapsedTime(began), TimeSpan.Zero, ExchangeMax);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await author.DisposeAsync();
        await reader.DisposeAsync();
    }
}
