using Conclave.Server;

namespace Conclave.Tests.Server;

/// <summary>The end of a server.</summary>
public sealed class ServerHostTests
{
    [Fact]
    public async Task Part_that_fails_to_close_keeps_no_other_part_open()
    {
        List<string> closed = [];
        Stack<IAsyncDisposable> parts = new([
            new Part("database", closed, fails: false),
            new Part("writer", closed, fails: true),
            new Part("connections", closed, fails: true),
        ]);
        await Assert.ThrowsAsync<InvalidOperationException>(() => ServerHost.CloseAsync(parts).AsTask());
        Assert.Equal(["connections", "writer", "database"], closed);
    }

    sealed class Part(string name, List<string> closed, bool fails) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            closed.Add(name);
            return fails ? throw new InvalidOperationException(name) : ValueTask.CompletedTask;
        }
    }
}
