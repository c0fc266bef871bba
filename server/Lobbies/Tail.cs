using System.Diagnostics;
using Conclave.Server.Storage;

namespace Conclave.Server.Lobbies;

/// <summary>
/// The last entries of one lobby that has subscribers here, and the cursors that follow them. It is no more than a
/// copy of the end of the log: what it lacks, cursors read from the database.
/// </summary>
sealed class Tail
{
    // An entry costs this beside its JSON, about: objects, references, the array's slot.
    const int FrameOverheadBytes = 128;

    readonly Lock _gate = new();
    readonly HashSet<Cursor> _cursors = [];

    // A ring: the entry with seq s stands at s modulo its length.
    EntryFrame?[] _frames = new EntryFrame?[16];
    int _count;
    long _lastSeq;
    bool _isClosed;
    EntryEncoder? _encoder;

    /// <summary>Bytes held, about.</summary>
    public long Bytes { get; private set; }

    /// <summary>The tick of the last append or read: what was not used for longest shrinks first.</summary>
    public long LastUsed { get; private set; }

    /// <summary>The lobby's name, for the frames of entries to come.</summary>
    public string LobbyName
    {
        get;
        private set
        {
            if (field != value)
                _encoder = null;
            field = value;
        }
    } = "";

    /// <summary>
    /// Lets <paramref name="cursor"/> follow from now on. <paramref name="standing"/> may be older than what is here
    /// already, never newer than what comes.
    /// </summary>
    /// <returns>By how many bytes the tail grew.</returns>
    public long Attach(Cursor cursor, Standing standing)
    {
        lock (_gate)
        {
            var before = Bytes;
            _cursors.Add(cursor);
            // Unless the lobby was renamed since that standing was read, and the entry has come by here.
            if (LobbyName.Length == 0 || standing.LastSeq >= _lastSeq)
                LobbyName = standing.LobbyName;
            if (standing.LastSeq > _lastSeq)
            {
                // The newcomer has seen entries that did not come by here: the others are behind without knowing.
                StartAfter(standing.LastSeq);
                Wake();
            }
            return Bytes - before;
        }
    }

    public void Detach(Cursor cursor)
    {
        lock (_gate)
            _cursors.Remove(cursor);
    }

    /// <summary>Adds entries that were committed, in order, and wakes every cursor.</summary>
    /// <returns>By how many bytes the tail grew.</returns>
    public long Append(List<StoredEntry> entries)
    {
        lock (_gate)
        {
            if (_isClosed)
                return 0;
            var before = Bytes;
            if (_cursors.Count == 0)
            {
                // Whoever is about to follow reads them from the log; until then the lobby's name is not known here,
                // unless they say it.
                if (entries[^1].Seq > _lastSeq)
                    LobbyName = entries.FindLast(static entry => entry.Name is not null)?.Name ?? LobbyName;
                StartAfter(Math.Max(_lastSeq, entries[^1].Seq));
                return Bytes - before;
            }
            LastUsed = Stopwatch.GetTimestamp();
            foreach (var entry in entries)
            {
                if (entry.Seq <= _lastSeq)
                    continue;
                // Somebody else wrote in between. The gap is in the database, and cursors read it there.
                if (entry.Seq > _lastSeq + 1)
                    StartAfter(entry.Seq - 1);
                LobbyName = entry.Name ?? LobbyName;
                _encoder ??= new EntryEncoder(entry.LobbyId, LobbyName);
                var frame = _encoder.Encode(entry);
                frame.CommittedAt = LastUsed;
                Add(frame);
            }
            Wake();
            return Bytes - before;
        }
    }

    /// <summary>Copies the entries after <paramref name="seq"/>, as many as fit.</summary>
    /// <param name="seq">The position.</param>
    /// <param name="destination">How many at most.</param>
    /// <param name="bytesMax">Bytes at most, or one entry.</param>
    /// <returns>How many; -1 if the tail does not reach back so far.</returns>
    public int Read(long seq, Span<EntryFrame> destination, int bytesMax)
    {
        lock (_gate)
        {
            if (seq >= _lastSeq)
                return 0;
            if (seq < _lastSeq - _count)
                return -1;
            LastUsed = Stopwatch.GetTimestamp();
            var count = (int)Math.Min(destination.Length, _lastSeq - seq);
            for (var index = 0; index < count; index++)
            {
                var frame = At(seq + 1 + index)!;
                bytesMax -= frame.Json.Length;
                if (bytesMax < 0 && index > 0)
                    return index;
                destination[index] = frame;
            }
            return count;
        }
    }

    /// <summary>How many entries the cursor that is farthest behind has before it.</summary>
    public long EntriesBehind()
    {
        lock (_gate)
            return _cursors.Select(cursor => Math.Max(0, _lastSeq - cursor.Position)).DefaultIfEmpty().Max();
    }

    /// <summary>Whether it has every entry after <paramref name="seq"/> that there is.</summary>
    public bool Reaches(long seq)
    {
        lock (_gate)
            return seq >= _lastSeq - _count;
    }

    /// <summary>Forgets the older half. Returns the bytes freed: 0 when nothing is left.</summary>
    public long Shrink()
    {
        lock (_gate)
        {
            var before = Bytes;
            for (var forget = (_count + 1) / 2; forget > 0; forget--)
            {
                ref var oldest = ref At(_lastSeq - _count + 1);
                Bytes -= SizeOf(oldest!);
                oldest = null;
                _count--;
            }
            return before - Bytes;
        }
    }

    /// <summary>Forgets everything for good. Returns the bytes freed.</summary>
    public long Close()
    {
        lock (_gate)
        {
            var freed = Bytes;
            StartAfter(_lastSeq);
            _isClosed = true;
            return freed;
        }
    }

    void Wake()
    {
        foreach (var cursor in _cursors)
            cursor.Wake();
    }

    void Add(EntryFrame frame)
    {
        if (_count == _frames.Length)
        {
            var old = _frames;
            _frames = new EntryFrame?[2 * old.Length];
            for (var seq = _lastSeq - _count + 1; seq <= _lastSeq; seq++)
                At(seq) = old[seq % old.Length];
        }
        At(frame.Seq) = frame;
        _count++;
        _lastSeq = frame.Seq;
        Bytes += SizeOf(frame);
    }

    void StartAfter(long seq)
    {
        Array.Clear(_frames);
        _count = 0;
        Bytes = 0;
        _lastSeq = seq;
    }

    ref EntryFrame? At(long seq) => ref _frames[seq % _frames.Length];

    static long SizeOf(EntryFrame frame) => frame.Json.Length + FrameOverheadBytes;
}
