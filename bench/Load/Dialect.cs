namespace Conclave.Bench.Load;

/// <summary>How a server is spoken to. What the workloads do is the same for all.</summary>
abstract class Dialect
{
    /// <summary>What opens the connection; empty if nothing has to be said.</summary>
    public abstract byte[] Handshake { get; }

    /// <summary>Takes one frame off the front of <paramref name="bytes"/>, if it is whole.</summary>
    public abstract bool TryRead(Link link, Span<byte> bytes, out Frame frame, out int consumed);

    /// <summary>Asks who the server takes us for; null if it has no users.</summary>
    public abstract byte[]? Greet(int user);

    /// <summary>Signs in with login and password; null if the server has no users.</summary>
    public abstract byte[]? SignIn(int user);

    /// <summary>Asks for the lobby's id; null if its number is its id.</summary>
    public abstract byte[]? FindLobby(int lobby);

    /// <summary>Learns the answer to <see cref="FindLobby"/>.</summary>
    public abstract void Learn(int lobby, ReadOnlySpan<byte> answer);

    /// <param name="user">Who subscribes; negative if the connection has signed in.</param>
    /// <param name="lobby">To what.</param>
    /// <param name="after">The entries after this; null from the end.</param>
    public abstract byte[] Subscribe(int user, int lobby, long? after);

    /// <summary>Asks for a page of stored entries.</summary>
    public abstract byte[] ReadPage(int user, int lobby, long after, int countMax);

    /// <summary>
    /// Takes an entry off the front of a page; false if there is none left, or entries come as frames of their own.
    /// </summary>
    public abstract bool TryReadEntry(ref ReadOnlySpan<byte> page, out Frame entry);

    /// <summary>A post with places to fill in.</summary>
    public abstract PostForm CreatePost(int user, int lobby, Payload payload);

    /// <summary>The answer to a ping.</summary>
    public abstract byte[] Pong(ReadOnlySpan<byte> body);
}

/// <summary>A whole frame that posts, of which <see cref="Fill"/> changes only some digits.</summary>
abstract class PostForm(byte[] frame)
{
    public byte[] Frame => frame;

    /// <summary>The first number that cannot be posted yet.</summary>
    public virtual long Limit => long.MaxValue;

    public abstract void Fill(Span<byte> frame, long number);

    /// <summary>Comes with the acknowledgement of a post.</summary>
    public virtual void Place(long number, long seq)
    {
        // Most need not know.
    }
}
