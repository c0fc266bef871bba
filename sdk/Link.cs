using System.Text.Json;
using System.Threading.Channels;
using Conclave.Protocol;

namespace Conclave.Sdk;

sealed class Link(ConclaveOptions options) : IAsyncDisposable
{
    readonly Channel<Hint> _hints = Channel.CreateBounded<Hint>(
        new BoundedChannelOptions(256) { FullMode = BoundedChannelFullMode.DropOldest });

    public ChannelReader<Hint> Hints => _hints.Reader;

    public bool IsConnected { get; }

    public Task<TReply> AskAsync<TReply>(
        string action, RequestKind kind, string? token, Action<Utf8JsonWriter> fields,
        CancellationToken cancellationToken)
        where TReply : Reply =>
        Task.FromException<TReply>(new DisconnectedException($"No connection to {options.Server}."));

    public Task<Subscription> SubscribeAsync(
        LobbyRef lobby, Position? from, string? token, CancellationToken cancellationToken) =>
        Task.FromException<Subscription>(new DisconnectedException($"No connection to {options.Server}."));

    public ValueTask DisposeAsync() => default;
}
