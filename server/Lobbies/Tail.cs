using System.Diagnostics;
using System.Runtime.InteropServices;
using Conclave.Protocol;
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

    // Erasures that are remembered: a page that is older is read again without a look.
    const int ErasedMax = 2048;

    readonly Lock _gate = new();
    readonly HashSet<Cursor> _cursors = [];

    // A ring: the entry with seq s stands at s modulo its length.
    EntryFrame?[] _frames = new EntryFrame?[16];
    int _count;
    long _lastSeq;
    bool _isClosed;
    EntryEncoder? _encoder;
    long _namedAt;

    // What was erased since the tail is there, in that order. Pages that are older are looked through.
    readonly List<long> _erased = [];
    int _erasures;

    // What its cursors are told at the end; null while the lobby is there.
    Hint? _farewell;

    /// <summary>Bytes held, about.</summary>
    public long Bytes { get; private set; }

    /// <summary>The tick of the last append or read: what was not used for longest shrinks first.</summary>
    public long LastUsed { get; private set; }

    /// <summary>How often something was erased here.</summary>
    public int Erasures => Volatile.Read(ref _erasures);

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
            Name(standing.LobbyName, standing.LastSeq);
            if (_farewell is not null)
                cursor.End(_farewell);
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
                // Whoever is about to follow reads them from the log; until then the lobby's name is not known here.
                foreach (var entry in entries)
                    Name(entry.Name, entry.Seq);
                StartAfter(Math.Max(_lastSeq, entries[^1].Seq));
                return Bytes - before;
            }
            LastUsed = Stopwatch.GetTimestamp();
            foreach (var entry in entries)
            {
                Name(entry.Name, entry.Seq);
                if (entry.Seq <= _lastSeq)
                    continue;
                // Somebody else wrote in between. The gap is in the database, and cursors read it there.
                if (entry.Seq > _lastSeq + 1)
                    StartAfter(entry.Seq - 1);
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
                ForgetOldest();
            return before - Bytes;
        }
    }

    /// <summary>
    /// Content was erased in the database, and is handed out here no more: what the tail holds of it is forgotten, and
    /// with it what is older. Cursors that have handed it out tell so, if there is a <paramref name="reason"/> to tell.
    /// </summary>
    /// <returns>By how many bytes the tail grew.</returns>
    public long Erase(IReadOnlyList<long> seqs, string? reason)
    {
        Cursor[] cursors;
        long grown;
        lock (_gate)
        {
            var before = Bytes;
            foreach (var seq in seqs)
            {
                // Not come by here yet, and when it does it still has its content: it is read from the log.
                if (seq > _lastSeq)
                    StartAfter(seq);
                while (_count > 0 && seq > _lastSeq - _count)
                    ForgetOldest();
                _erased.Add(seq);
            }
            if (_erased.Count > ErasedMax)
                _erased.RemoveRange(0, _erased.Count - ErasedMax / 2);
            Volatile.Write(ref _erasures, _erasures + seqs.Count);
            cursors = reason is null ? [] : [.. _cursors];
            grown = Bytes - before;
        }
        // A cursor asks its tail while it holds its own lock, so not the other way round.
        foreach (var cursor in cursors)
            cursor.Tell(seqs, reason!);
        return grown;
    }

    /// <summary>Whether a page may hold what was erased since.</summary>
    /// <param name="erasures">What <see cref="Erasures"/> was before the page was read.</param>
    /// <param name="after">The position at which what is left of the page begins.</param>
    /// <param name="last">Its last entry.</param>
    public bool HasErased(int erasures, long after, long last)
    {
        lock (_gate)
        {
            var since = _erasures - erasures;
            return since > _erased.Count
                || after < last && CollectionsMarshal.AsSpan(_erased)[^since..].ContainsAnyInRange(after + 1, last);
        }
    }

    /// <summary>The lobby was deleted: every cursor says so and ends, also those to come.</summary>
    /// <returns>By how many bytes the tail grew.</returns>
    public long Delete(Guid lobbyId)
    {
        Cursor[] cursors;
        long grown;
        lock (_gate)
        {
            _farewell ??= new Hint(EventName.LobbyDeleted, lobbyId, LobbyName);
            grown = -Bytes;
            StartAfter(_lastSeq);
            cursors = [.. _cursors];
        }
        foreach (var cursor in cursors)
            cursor.End(_farewell);
        return grown;
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

    void Name(string? name, long seq)
    {
        if (name is null || seq < _namedAt)
            return;
        LobbyName = name;
        _namedAt = seq;
    }

    void ForgetOldest()
    {
        ref var oldest = ref At(_lastSeq - _count + 1);
        Bytes -= SizeOf(oldest!);
        oldest = null;
        _count--;
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

    static long SizeOf(EntryFrame frame) =>
        frame.Json.Length + FrameOverheadBytes + (frame.Expiring is { } expiring ? SizeOf(expiring.Gone) : 0);
}
