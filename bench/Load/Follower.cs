namespace Conclave.Bench.Load;

/// <summary>Whether these are bytes that a poster posted, and which.</summary>
delegate bool ReadBody(ReadOnlySpan<byte> body, out int poster, out long number);

/// <summary>
/// Follows one lobby over one connection, and checks what comes: each seq once and in order, and in each body what one
/// of the posters posted, in the order of the posts.
/// </summary>
sealed class Follower(int user, ReadBody read, Poster[] posters, Result result)
{
    readonly long[] _numbers = new long[posters.Length];

    /// <summary>The seq of the last entry that came; before the first, the position.</summary>
    public long Seq { get; set; }

    /// <summary>How many entries came.</summary>
    public long Count { get; private set; }

    /// <summary>Takes an entry; returns how long it took since it was posted, negative if that is not known.</summary>
    public long Accept(in Frame entry, long now)
    {
        if (entry.Seq != Seq + 1)
            result.Fail($"user {user}: seq {entry.Seq} came after {Seq}");
        Seq = entry.Seq;
        Count++;
        if (!read(entry.Body, out var author, out var number))
        {
            result.Fail($"user {user}: seq {entry.Seq} does not carry what was posted");
            return -1;
        }
        for (var index = 0; index < posters.Length; index++)
        {
            if (posters[index].User != author)
                continue;
            if (number != _numbers[index])
                result.Fail($"user {user}: post {number} of {author} came where {_numbers[index]} was due");
            _numbers[index] = number + 1;
            return now - posters[index].SentAt(number);
        }
        result.Fail($"user {user}: seq {entry.Seq} is by {author}, who does not post here");
        return -1;
    }

    /// <summary>At the end everything that was posted has come.</summary>
    public void RequireAll()
    {
        for (var index = 0; index < posters.Length; index++)
        {
            if (_numbers[index] != posters[index].Posted)
            {
                result.Fail(
                    $"user {user}: {_numbers[index]} of {posters[index].Posted} posts of {posters[index].User} came");
            }
        }
    }
}
