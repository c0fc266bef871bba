using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Conclave.Server.Storage;
using Conclave.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Conclave.Tests.Server;

/// <summary>
/// A whole story in a sealed lobby, and then nothing of it is found: not on the wire, in the database's files, its
/// write-ahead log and its own log, a dump, a backup, the server's memory, its log, its figures and traces. Each place
/// is also asked for something that does stand there, so that a search that finds nothing says something.
/// </summary>
public sealed class BlindServerTests : IDisposable
{
    const UnixFileMode OwnersFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    readonly string _data = Directory.CreateTempSubdirectory("conclave-blind-").FullName;
    readonly string _left = Directory.CreateTempSubdirectory("conclave-left-").FullName;
    readonly string _visit = "a-visit-" + RandomNumberGenerator.GetHexString(16, lowercase: true);

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        Directory.Delete(_data, recursive: true);
        Directory.Delete(_left, recursive: true);
    }

    [Fact]
    public async Task Server_knows_nothing_of_what_passes_through_it()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "it looks into other processes");
        await PrepareDatabaseAsync();
        await using var collector = new Collector();
        await using var server = await ServerProcess.StartAsync(
            _data,
            // All that it can be made to say.
            ("Logging__Console__LogLevel__Default", "Trace"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Url.ToString()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "200"),
            ("OTEL_BSP_SCHEDULE_DELAY", "100"),
            ("OTEL_TRACES_SAMPLER", "always_on"));
        using var http = new HttpClient { BaseAddress = server.Url };
        await http.GetStringAsync(new Uri("/healthz?" + _visit, UriKind.Relative), Cancellation);
        var line = FrameProxy.Keeping(server.Url);
        using var story = new SealedStory(line.Url);
        await using (line)
            await story.TellAsync();

        var places = new Places(story);
        places.LookWhereItPasses("what clients and server say to each other", search => search.In(line.Kept));
        places.Look("the metrics", await http.GetStringAsync(new Uri("/metrics", UriKind.Relative), Cancellation),
            "conclave_posts_total");
        while (!collector.Taken("/v1/traces").Contains("password", StringComparison.Ordinal))
        {
            Cancellation.ThrowIfCancellationRequested();
            await Task.Yield();
        }
        // Byte by byte, as it came: it is no text.
        var collected = Encoding.Latin1.GetBytes(collector.Taken("/v1/traces") + collector.Taken("/v1/metrics"));
        places.Look(
            "what a collector got", search => search.In(new MemoryStream(collected)), "conclave-server");
        await LookIntoCopiesAsync(places, server);
        await LookIntoMemoryAsync(places, server);
        await server.StopAsync();
        places.Look("what the server said", await server.SaidAsync(), _visit);
        LookIntoDatabase(places);
        // Not as two texts that differ, of which only the beginning would be told.
        Assert.True(places.Found.Length == 0, places.Found);

        LookAtClients(story);
    }

    // Its log is to have every statement with all its parameters.
    async Task PrepareDatabaseAsync()
    {
        var options = new EmbeddedClusterOptions
        {
            DataPath = _data,
            ProgramsPath = Environment.GetEnvironmentVariable("CONCLAVE_POSTGRES_BIN"),
            Throwaway = true,
        };
        await using var cluster = await EmbeddedCluster.StartAsync(
            options, TimeProvider.System, NullLogger.Instance, Cancellation);
        await using var database = NpgsqlDataSource.Create(cluster.SuperuserConnectionString);
        await using var verbose = database.CreateBatch();
        verbose.BatchCommands.Add(new("ALTER ROLE conclave SET log_statement = 'all'"));
        verbose.BatchCommands.Add(new("ALTER ROLE conclave SET log_error_verbosity = 'default'"));
        await verbose.ExecuteNonQueryAsync(Cancellation);
    }

    async Task LookIntoCopiesAsync(Places places, ServerProcess server)
    {
        var dump = Path.Combine(_left, "dump.sql");
        await server.DumpDatabaseAsync(dump);
        places.Look("a dump", search => search.InFile(dump), SealedStory.Alice);
        var backup = Path.Combine(_left, "backup");
        await OperatorProgram.DoAsync(_data, "backup", backup);
        await ZipFile.ExtractToDirectoryAsync(backup, backup + ".opened", Cancellation);
        places.Look("a backup", search => search.InFiles(backup + ".opened"), SealedStory.Alice);
    }

    // Once it has stopped, all that it had in memory is in its files.
    void LookIntoDatabase(Places places)
    {
        var folder = Path.Combine(_data, "postgres", "data");
        var (tables, log) = (Path.Combine(folder, "base"), Path.Combine(folder, "pg_wal"));
        places.Look("the tables", search => search.InFiles(tables), SealedStory.LobbyName);
        places.Look("the write-ahead log", search => search.InFiles(log), SealedStory.LobbyName);
        var said = Path.Combine(_data, "postgres.log");
        places.Look("the database's log", search => search.InFile(said), SealedStory.LobbyName);
        places.Look("the rest of the data folder", search => search.InFiles(_data, tables, log), "PostgreSQL");
    }

    async Task LookIntoMemoryAsync(Places places, ServerProcess server)
    {
        if (ServerProcess.CanDumpCore)
        {
            var core = Path.Combine(_left, "core");
            await server.DumpCoreAsync(core);
            places.LookWhereItPasses("a core dump", search => search.InFile(core));
        }
        else
        {
            TestContext.Current.AddWarning("This .NET has no createdump: the memory was searched as it is.");
            places.LookWhereItPasses("the memory", search => search.InMemoryOf(server.Id));
        }
    }

    // What others on the machines of the users can see.
    static void LookAtClients(SealedStory story)
    {
        Assert.Empty(new ByteSearch(story.Secrets).In(story.CommandLines));
        Assert.Contains(SealedStory.LobbyName, story.CommandLines, StringComparison.Ordinal);
        Assert.NotEmpty(story.Kept);
        Assert.All(story.Kept, path => Assert.Equal(OwnersFile, File.GetUnixFileMode(path)));
    }

    /// <summary>What was found where, or not found where it must be.</summary>
    sealed class Places(SealedStory story)
    {
        readonly List<(string Name, byte[] Bytes)> _hidden = [.. story.Secrets, .. story.Names];
        readonly List<string> _found = [];

        public string Found => string.Join('\n', _found);

        /// <param name="place">Its name.</param>
        /// <param name="text">What stands there.</param>
        /// <param name="known">What must be found there.</param>
        public void Look(string place, string text, string known) => Look(place, search => search.In(text), known);

        public void Look(string place, Func<ByteSearch, HashSet<string>> find, string known) =>
            LookFor([.. _hidden, .. story.Proofs], place, find, known);

        /// <summary>Where what a client shows to prove its password has to be for a while.</summary>
        public void LookWhereItPasses(string place, Func<ByteSearch, HashSet<string>> find) =>
            LookFor(_hidden, place, find, SealedStory.Alice);

        void LookFor(
            List<(string Name, byte[] Bytes)> hidden, string place, Func<ByteSearch, HashSet<string>> find,
            string known)
        {
            var found = find(new ByteSearch([.. hidden, (known, Encoding.UTF8.GetBytes(known))]));
            if (!found.Remove(known))
                _found.Add($"The search of {place} finds nothing, not even {known}.");
            if (found.Count > 0)
                _found.Add($"{place}: {string.Join(", ", found)}");
        }
    }
}
