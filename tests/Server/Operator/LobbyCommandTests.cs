using Conclave.Tests.Support;

namespace Conclave.Tests.Server.Operator;

public sealed class LobbyCommandTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("conclave-operator-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Lobbies_and_what_they_take_are_shown_and_not_what_lies_in_them()
    {
        await using var server = await ServerProcess.StartAsync(_folder);
        await using var ann = await WireClient.ConnectAsync(server.Url);
        await using var bob = await WireClient.ConnectAsync(server.Url);
        await ann.SignUpAsync("ann");
        await bob.SignUpAsync("bob");
        var bobs = (await bob.DoAsync("""{"action":"whoami"}"""))["public_token"]!.GetValue<string>();
        var id = (await ann.DoAsync("""{"action":"create_lobby","lobby_name":"Тайная комната"}"""))["lobby_id"]!
            .GetValue<string>();
        await ann.DoAsync($$"""{"action":"invite_lobby","lobby_id":"{{id}}","public_token":"{{bobs}}"}""");
        await ann.DoAsync($$"""{"action":"message","lobby_id":"{{id}}","row_data":"hidden-in-here"}""");
        await ann.DoAsync("""{"action":"create_lobby","lobby_name":"empty"}""");

        var list = await OperatorProgram.DoAsync(_folder, "lobby", "list");
        Assert.Equal(["empty", "Тайная комната"], list.Rows.Select(row => row[1]));
        Assert.Equal([id, "Тайная комната", "ann"], list.Rows[1][..3]);
        Assert.Equal(["2", "3"], list.Rows[1][4..6]);

        var byName = await OperatorProgram.DoAsync(_folder, "lobby", "show", "тайная КОМНАТА");
        var byId = await OperatorProgram.DoAsync(_folder, "lobby", "show", id);
        Assert.Equal(byName.Output, byId.Output);
        Assert.Contains("member\tann\tread,write,invite,admin", byName.Output, StringComparison.Ordinal);
        Assert.Contains("member\tbob\tread,write\t", byName.Output, StringComparison.Ordinal);
        Assert.Contains("bytes_max\tdefault", byName.Output, StringComparison.Ordinal);
        // 16 bytes of JSON, and 41 of encryption.
        Assert.Contains("bytes\t57\n", byName.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", byName.Output, StringComparison.Ordinal);
        Assert.Contains("no lobby", await OperatorProgram.RefusedAsync(_folder, "lobby", "show", "nowhere"),
            StringComparison.Ordinal);

        await OperatorProgram.DoAsync(_folder, "quota", "set", id, "2G");
        await OperatorProgram.DoAsync(_folder, "quota", "set", "empty", "none");
        Assert.Contains("3X", await OperatorProgram.RefusedAsync(_folder, "quota", "set", "empty", "3X"),
            StringComparison.Ordinal);
        var lobbies = await OperatorProgram.DoAsync(_folder, "quota", "lobbies");
        Assert.Equal([id, "Тайная комната", "57", "2147483648", "3", "2"], lobbies.Rows[0]);
        Assert.Equal(["empty", "0", "none"], lobbies.Rows[1][1..4]);
        var users = await OperatorProgram.DoAsync(_folder, "quota", "users");
        Assert.Equal([["ann", "57", "1", "2"], ["bob", "0", "0", "0"]], users.Rows);
        await OperatorProgram.DoAsync(_folder, "quota", "set", id, "default");
        Assert.Equal(byId.Output, (await OperatorProgram.DoAsync(_folder, "lobby", "show", id)).Output);
    }

    [Fact]
    public async Task Running_server_notices_that_a_lobby_was_deleted_beside_it()
    {
        await using var server = await ServerProcess.StartAsync(_folder);
        await using var ann = await WireClient.ConnectAsync(server.Url);
        await ann.SignUpAsync("ann");
        await ann.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
        await ann.DoAsync("""{"action":"create_lobby","lobby_name":"lair"}""");
        await ann.DoAsync("""{"action":"message","lobby_name":"den","row_data":1}""");
        await ann.DoAsync("""{"action":"subscribe","lobby_name":"den"}""");

        Assert.Contains("--yes", await OperatorProgram.RefusedAsync(_folder, "lobby", "delete", "den"),
            StringComparison.Ordinal);
        Assert.Contains("no lobby", await OperatorProgram.RefusedAsync(_folder, "lobby", "delete", "nowhere", "--yes"),
            StringComparison.Ordinal);
        await OperatorProgram.DoAsync(_folder, "lobby", "delete", "DEN", "--yes");

        Assert.Equal("lobby_deleted", (await ann.EventAsync())["event"]!.GetValue<string>());
        await Outcomes.HoldAsync(ann,
        [
            ("""{"action":"message","lobby_name":"den","row_data":1}""", "no_such_lobby"),
            ("""{"action":"history","lobby_name":"den"}""", "no_such_lobby"),
            ("""{"action":"create_lobby","lobby_name":"den"}""", "lobby_name_taken"),
            ("""{"action":"message","lobby_name":"lair","row_data":1}""", "ok"),
        ]);
        Assert.Contains("deleted already",
            await OperatorProgram.RefusedAsync(_folder, "lobby", "delete", "den", "--yes"), StringComparison.Ordinal);
        var list = await OperatorProgram.DoAsync(_folder, "lobby", "list");
        Assert.Equal(["den deleted", "lair plain"], list.Rows.Select(row => $"{row[1]} {row[^1]}"));
        await OperatorProgram.DoAsync(_folder, "check");
    }
}
