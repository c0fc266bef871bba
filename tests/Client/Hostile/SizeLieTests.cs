using System.Text.Json.Nodes;
using Conclave.Client;

namespace Conclave.Tests.Client.Hostile;

/// <summary>
/// Numbers and lists that no server has. What proves no forgery is no alarm: the command ends with the code for a
/// server that cannot serve. It ends, whatever is sent, shows nothing, and posts nothing.
/// </summary>
public sealed class SizeLieTests
{
    [Fact]
    public async Task Page_that_never_goes_on_ends_the_command()
    {
        await using var den = await HostileDen.StartAsync();
        await den.SayAsync("four");
        den.LieAbout("history", reply => reply["events"]!.AsArray().Clear());
        await IsOverAsync(den);

        // Always the same entry, and never the next one.
        var fourth = new JsonArray();
        den.LieAbout("history", reply =>
        {
            reply["last_seq"] = 1_000_000;
            if (reply["events"]!.AsArray() is [{ } entry, ..])
                fourth = [entry.DeepClone()];
            reply["events"] = fourth.DeepClone();
        });
        await IsOverAsync(den);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task List_of_what_was_erased_that_never_goes_on_ends_the_command(int rows)
    {
        await using var den = await HostileDen.StartAsync();
        den.Server.Lie = (request, reply) =>
        {
            if ((string?)request["action"] != "history")
                return null;
            reply["erasures"] = 1;
            // Asked for without the rows' bytes, it is what a client looks for erased ones in.
            if ((long?)request["body_max"] == 0)
            {
                reply["events"] = new JsonArray(
                    [.. den.Lobby.Rows.Take(rows).Select(row => den.Lobby.Event(row, den.Server.LoginOf, 0))]);
            }
            return null;
        };

        await IsOverAsync(den);
    }

    [Fact]
    public async Task List_of_lobbies_that_never_goes_on_ends_the_command()
    {
        await using var den = await HostileDen.StartAsync();
        den.LieAbout("my_lobbies", Again("lobbies"));

        var said = await den.RunAsync("lobby", "list");

        Assert.Equal((ExitCode.Network, ""), (said.ExitCode, said.Output));
    }

    [Fact]
    public async Task List_of_a_roster_or_of_keys_without_an_end_ends_the_command()
    {
        await using var den = await HostileDen.StartAsync(hasRead: false);
        den.LieAbout("roster", Again("entries"));
        await IsOverAsync(den);

        den.LieAbout("my_keys", Again("key_wraps"));
        await IsOverAsync(den);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(long.MinValue)]
    public async Task Acknowledgement_of_no_place_at_all_ends_the_command(long seq)
    {
        await using var den = await HostileDen.StartAsync();
        den.LieAbout("message", reply => reply["seq"] = seq);

        var said = await den.RunAsync("send", "den", "mine");

        Assert.Equal((ExitCode.Network, ""), (said.ExitCode, said.Output));
        Assert.Contains("breaks the protocol", said.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("last_seq", "9223372036854775807")]
    [InlineData("last_seq", "9223372036854775808")]
    [InlineData("events", "\"all of them\"")]
    public async Task Number_or_form_that_is_none_ends_the_command(string field, string value)
    {
        await using var den = await HostileDen.StartAsync();
        den.LieAbout("history", reply => reply[field] = JsonNode.Parse(value));

        await IsOverAsync(den);
    }

    [Fact]
    public async Task Answer_larger_than_any_is_not_taken_in()
    {
        await using var den = await HostileDen.StartAsync();
        den.LieAbout("history", reply => reply["more_of_it"] = new string('x', 17 << 20));

        await IsOverAsync(den);
    }

    // The same page for ever.
    static Action<JsonObject> Again(string list)
    {
        JsonNode? first = null;
        return reply =>
        {
            first ??= reply[list]!.DeepClone();
            (reply[list], reply["more"]) = (first.DeepClone(), true);
        };
    }

    static async Task IsOverAsync(HostileDen den)
    {
        var before = den.ChangesBy("bob");
        foreach (var words in (IEnumerable<string[]>)[["history", "den"], ["send", "den", "nothing of this is sent"]])
        {
            var said = await den.RunAsync(words);
            Assert.Equal((ExitCode.Network, ""), (said.ExitCode, said.Output));
            // It has not merely waited in vain.
            Assert.Contains("breaks the protocol", said.Error, StringComparison.Ordinal);
        }
        Assert.Equal(before, den.ChangesBy("bob"));
    }
}
