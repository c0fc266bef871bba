using System.Text;
using System.Text.Json.Nodes;
using Conclave.Tests.Support;

namespace Conclave.Tests.Server.Actions;

/// <summary>Pages of a log: which entries, in which order, and how much at once.</summary>
public sealed class HistoryTests(SharedServer server) : IClassFixture<SharedServer>
{
    [Fact]
    public async Task Page_is_the_entries_asked_for_ascending_and_says_whether_there_are_more()
    {
        await using var guest = await server.SignUpAsync();
        var lobby = await server.CreateLobbyAsync(guest);
        for (var number = 2; number <= 10; number++)
            await guest.Client.DoAsync($$"""{"action":"message","lobby_name":"{{lobby}}","row_data":{{number}}}""");
        (string Fields, int First, int Last, bool More)[] table =
        [
            ("", 1, 10, false),
            (",\"limit\":3", 8, 10, true),
            (",\"limit\":10", 1, 10, false),
            (",\"after\":0", 1, 10, false),
            (",\"after\":0,\"limit\":4", 1, 4, true),
            (",\"after\":4,\"limit\":6", 5, 10, false),
            (",\"after\":9", 10, 10, false),
            (",\"after\":10", 0, -1, false),
            (",\"before\":11", 1, 10, false),
            (",\"before\":100", 1, 10, false),
            (",\"before\":5", 1, 4, false),
            (",\"before\":5,\"limit\":3", 2, 4, true),
            (",\"before\":5,\"limit\":4", 1, 4, false),
            (",\"before\":1", 0, -1, false),
            (",\"before\":0", 0, -1, false),
        ];
        foreach (var (fields, first, last, more) in table)
        {
            var page = await guest.Client.DoAsync($$"""{"action":"history","lobby_name":"{{lobby}}"{{fields}}}""");
            Assert.Equal(Enumerable.Range(first, last - first + 1), Seqs(page));
            Assert.Equal(more, page["more"]!.GetValue<bool>());
            Assert.Equal(10, page["last_seq"]!.GetValue<int>());
        }
    }

    [Fact]
    public async Task Body_larger_than_asked_for_is_left_out_with_its_size()
    {
        await using var guest = await server.SignUpAsync();
        var lobby = await server.CreateLobbyAsync(guest);
        string[] values = ["12345", "123456", "\"жж\"", "{ }"];
        foreach (var value in values)
            await guest.Client.DoAsync($$"""{"action":"message","lobby_name":"{{lobby}}","row_data":{{value}}}""");
        for (var most = 0; most <= 7; most++)
        {
            var page = await guest.Client.DoAsync(
                $$"""{"action":"history","lobby_name":"{{lobby}}","after":1,"body_max":{{most}}}""");
            foreach (var (value, sent) in values.Zip(page["events"]!.AsArray(), (value, sent) => (value, sent!)))
            {
                var size = Encoding.UTF8.GetByteCount(value);
                Assert.Equal(size > most, sent["omitted"] is not null);
                Assert.Equal(size > most, !sent.AsObject().ContainsKey("row_data"));
                Assert.Equal(size > most ? size : null, sent["row_size"]?.GetValue<int>());
            }
        }
    }

    [Fact]
    public async Task Page_stops_at_1_MiB_and_pages_together_are_the_whole_log()
    {
        await using var guest = await server.SignUpAsync();
        var lobby = await server.CreateLobbyAsync(guest);
        int[] sizes = [300_000, 10, 500_000, 400_000, 1_000_000, 20, 900_000, 300_000, 600_000];
        foreach (var size in sizes)
        {
            await guest.Client.DoAsync(
                $$"""{"action":"message","lobby_name":"{{lobby}}","row_data":"{{new string('x', size - 2)}}"}""");
        }
        List<int> forward = [];
        for (JsonNode? page = null; page is null || page["more"]!.GetValue<bool>();)
        {
            page = await PageAsync($"\"after\":{(forward.Count > 0 ? forward[^1] : 0)}");
            forward.AddRange(Seqs(page));
        }
        Assert.Equal(Enumerable.Range(1, 10), forward);
        List<int> backward = [];
        for (JsonNode? page = null; page is null || page["more"]!.GetValue<bool>();)
        {
            page = await PageAsync(backward.Count > 0 ? $"\"before\":{backward[0]}" : "\"limit\":1000");
            backward.InsertRange(0, Seqs(page));
        }
        Assert.Equal(Enumerable.Range(1, 10), backward);

        async Task<JsonNode> PageAsync(string fields)
        {
            await guest.Client.SendAsync($$"""{"action":"history","lobby_name":"{{lobby}}",{{fields}}}""");
            var frame = (await guest.Client.FrameAsync())!;
            var page = JsonNode.Parse(frame)!;
            Assert.InRange(frame.Length, 1, (1 << 20) + sizes.Max() + 1000);
            var events = page["events"]!.AsArray();
            Assert.NotEmpty(events);
            // Without its last element (the oldest, going back) it would be below the bound.
            var last = fields.Contains("after", StringComparison.Ordinal) ? events[^1] : events[0];
            Assert.InRange(frame.Length - (last!["row_data"]?.GetValue<string>().Length ?? 0), 1, 1 << 20);
            return page;
        }
    }

    static IEnumerable<int> Seqs(JsonNode page) =>
        page["events"]!.AsArray().Select(sent => sent!["seq"]!.GetValue<int>());
}
