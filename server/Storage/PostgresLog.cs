namespace Conclave.Server.Storage;

/// <summary>What PostgreSQL says while it runs: kept in a file of limited size, the last lines in memory.</summary>
sealed class PostgresLog(string path)
{
    const long FileBytesMax = 4 << 20;
    const int TailLinesMax = 12;

    readonly Lock _gate = new();
    readonly Queue<string> _tail = new(TailLinesMax);

    /// <summary>The last lines, oldest first.</summary>
    public string Tail
    {
        get
        {
            lock (_gate)
            {
                return string.Join('\n', _tail);
            }
        }
    }

    /// <summary>Copies until the last process that can write there has ended.</summary>
    public async Task CopyFromAsync(StreamReader source)
    {
        var file = Open();
        try
        {
            while (await source.ReadLineAsync() is { } line)
            {
                lock (_gate)
                {
                    if (_tail.Count == TailLinesMax)
                    {
                        _tail.Dequeue();
                    }

                    _tail.Enqueue(line);
                }

                try
                {
                    if (file.BaseStream.Length > FileBytesMax)
                    {
                        var next = Open();
                        await file.DisposeAsync();
                        file = next;
                    }

                    await file.WriteLineAsync(line);
                }
                catch (IOException)
                {
                    // The disk is full. PostgreSQL would stand still if nobody took what it says.
                }
            }
        }
        finally
        {
            await file.DisposeAsync();
        }
    }

    // Two files at most: a full one becomes the old one, and the old one goes.
    StreamWriter Open()
    {
        if (new FileInfo(path) is { Exists: true, Length: > FileBytesMax })
        {
            File.Move(path, path + ".old", overwrite: true);
        }

        return new StreamWriter(path, new FileStreamOptions
        {
            Mode = FileMode.Append,
            Access = FileAccess.Write,
            Share = FileShare.ReadWrite,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            // What cannot be written is not kept to be tried again.
            BufferSize = 0,
        })
        { AutoFlush = true };
    }
}
