using Conclave.Protocol;
using Conclave.Server.Lobbies;
using Conclave.Server.Storage;
using Conclave.Server.Writing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Conclave.Tests.Support;

/// <summary>Storage, live lobbies and the writer, without anything that talks to clients.</summary>
sealed class WritingRooms : IAsyncDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    WritingRooms(StorageRooms storage, Limits limits)
    {
        Storage = storage;
        Live = new LiveLobbies(storage.Lobbies, storage.Entries, limits);
        Writer = new EntryWriter(
            storage.Entries, Live, limits, TimeProvider.System, NullLogger<EntryWriter>.Instance);
    }

    public StorageRooms Storage { get; }

    public LiveLobbies Live { get; }

    public EntryWriter Writer { get; }

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<WritingRooms> OpenAsync(PostgresCluster postgres, Limits? limits = null) =>
        new(await StorageRooms.OpenAsync(postgres), limits ?? Limits.Default);

    public static async Task<WritingRooms> OpenAsync(string connectionString, Limits limits) =>
        new(await StorageRooms.OpenAsync(connectionString), limits);

    /// <summary>What became of an entry.</summary>
    public async Task<Appended> WriteAsync(NewEntry entry) =>
        (await Writer.WriteAsync(entry, Cancellation).WaitAsync(Patience, Cancellation)).Result;

    /// <summary>What became of entries that were handed in together, in this order.</summary>
    public async Task<Appended[]> WriteAsync(IEnumerable<NewEntry> entries) =>
        await Task.WhenAll(entries.Select(WriteAsync));

    public async ValueTask DisposeAsync()
    {
        await Writer.DisposeAsync();
        Live.Dispose();
        await Storage.DisposeAsync();
    }
}
