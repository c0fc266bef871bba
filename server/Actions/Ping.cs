using Conclave.Protocol;

namespace Conclave.Server.Actions;

/// <summary>Anybody may ask whether the server is there, and what time it has.</summary>
static class Ping
{
    public static string? Read(Request request) => null;

    public static ValueTask<Answer> RunAsync(string? form, Turn turn) =>
        ValueTask.FromResult(Answer.Of(new PingReply { ServerTime = turn.Rooms.Time.GetUtcNow() }));
}
