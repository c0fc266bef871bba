using Conclave.Sdk;
using Conclave.Server.Accounts;
using Conclave.Tests.Support;

namespace Conclave.Tests.Client;

/// <summary>
/// The commands, each as a person or a script meets it. With CONCLAVE_WRITE_TRANSCRIPTS naming the folder of the
/// transcripts they are written anew: read the difference before it is kept.
/// </summary>
public sealed class TranscriptTests(PostgresCluster postgres)
{
    static readonly Uri Nowhere = new("http://127.0.0.1:1");

    [Fact]
    public Task Command_line_is_explained_without_a_server() => CheckAsync("usage", Nowhere);

    [Theory]
    [InlineData("accounts")]
    [InlineData("sessions")]
    [InlineData("lobbies")]
    [InlineData("entries")]
    [InlineData("escaping")]
    [InlineData("json")]
    [InlineData("sealed")]
    [InlineData("secrets")]
    [InlineData("plain")]
    public async Task Commands_do_what_they_say(string name)
    {
        await using var server = await TestServer.StartAsync(postgres);
        await using var listening = FrameProxy.Recording(server.Url);
        await CheckAsync(name, listening.Url);
    }

    [Fact]
    public async Task Code_is_asked_for_where_the_server_asks_for_it()
    {
        await using var server = await TestServer.StartAsync(
            postgres, registration: Registration.WithCode("open sesame"));
        await CheckAsync("registration", server.Url);
    }

    [Fact]
    public async Task Plain_account_is_entered_and_sealed_only_by_the_word_of_its_user()
    {
        await using var server = await TestServer.StartAsync(postgres);
        await using (var plain = new ConclaveClient(new ConclaveOptions { Server = server.Url }))
            await plain.RegisterAsync("carol", "password of carol", TestContext.Current.CancellationToken);
        await CheckAsync("plain-account", server.Url);
    }

    static async Task CheckAsync(string name, Uri server)
    {
        var script = await File.ReadAllTextAsync(
            Path.Combine(AppContext.BaseDirectory, "Client", "Transcripts", name + ".txt"));
        using var transcript = new Transcript(server);
        var played = await transcript.PlayAsync(script);
        if (Environment.GetEnvironmentVariable("CONCLAVE_WRITE_TRANSCRIPTS") is { Length: > 0 } folder)
            await File.WriteAllTextAsync(Path.Combine(folder, name + ".txt"), played);
        else
            Assert.Equal(script, played);
    }
}
