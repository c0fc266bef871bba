using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Conclave.Roster;
using Conclave.Sealing;

namespace Conclave.Bench.Load.Sealed;

/// <summary>
/// A sealed lobby as its members know it: they have read its roster and opened its key, and follow its transcript.
/// Posts are sealed before the clock runs. Where several post, nobody knows yet in which order they will stand, so all
/// have seen the same row, and at most 4,096 may follow it; one alone seals each on top of the one before.
/// </summary>
/// <param name="dialect">How the server is asked.</param>
/// <param name="ask">Asks, and returns the answer.</param>
/// <param name="lobby">The number of the lobby.</param>
/// <param name="reader">The member who opens what the others have sealed.</param>
/// <param name="payload">What is sealed.</param>
sealed class SealedRoom(ConclaveDialect dialect, Func<byte[], byte[]> ask, int lobby, int reader, Payload payload)
    : IDisposable
{
    // How many of the rows that the server gives back are opened.
    const int OpenedRows = 64;

    // In a row: where the id stands in the envelope, of which so many characters tell all posts apart.
    const int IdStart = 111;

    readonly Dictionary<Digest, IdentityRecord> _identities = [];
    readonly List<SealedShelf> _shelves = [];
    readonly Dictionary<UInt128, (SealedShelf Shelf, long Number)> _posts = [];
    RosterState _roster = null!;
    GenerationKey _key = null!;
    LogPoint _last;

    /// <summary>Reads and opens it.</summary>
    public void Open()
    {
        ReadRoster();
        ReadKey();
        _last = ReadLast();
    }

    public SealedShelf AddPoster(int user)
    {
        var shelf = new SealedShelf(user, payload);
        _shelves.Add(shelf);
        return shelf;
    }

    /// <summary>Seals so many posts of each poster, or as many as may follow the last row.</summary>
    /// <returns>How many altogether.</returns>
    public int Fill(int countEach)
    {
        var isAlone = _shelves.Count == 1;
        var count = isAlone ? countEach : Math.Min(countEach, LobbyLog.WindowRows / _shelves.Count);
        foreach (var shelf in _shelves)
            shelf.Clear(count);
        if (isAlone)
            FillInTurn(_shelves[0], count);
        else
            Parallel.For(0, count * _shelves.Count, at => Seal(_shelves[at / count], at % count, _last));
        _posts.Clear();
        foreach (var shelf in _shelves)
        {
            for (var number = shelf.Limit - count; number < shelf.Limit; number++)
                _posts.Add(IdIn(shelf.Row(number)), (shelf, number));
        }
        return count * _shelves.Count;
    }

    /// <summary>Whether these are the very bytes of a row that was sealed here, and which.</summary>
    public bool TryRead(ReadOnlySpan<byte> row, out int poster, out long number)
    {
        (poster, number) = (-1, -1);
        if (row.Length < Envelope.SizeBytesMin || !_posts.TryGetValue(IdIn(row), out var post)
            || !row.SequenceEqual(post.Shelf.Row(post.Number)))
            return false;
        (poster, number) = (post.Shelf.User, post.Number);
        return true;
    }

    /// <summary>
    /// Holds what the server has stored since the last time against what it acknowledged: the whole by the transcript,
    /// which is a hash of every row, its sender and its place; some rows by judging and opening them as a member does.
    /// </summary>
    public void Check(Result result)
    {
        var point = _last;
        foreach (var (seq, sender, row) in _shelves.SelectMany(shelf => shelf.Placed()).OrderBy(row => row.Seq))
        {
            if (seq != (long)point.Seq + 1)
                result.Fail($"lobby {lobby}: seq {seq} was acknowledged after {point.Seq}");
            point = point.Next(sender, Transcript.RowHash(row));
        }
        var last = ReadLast();
        if (last != point)
            result.Fail($"lobby {lobby}: another transcript at {last.Seq} than what was posted gives at {point.Seq}");
        OpenSome(result, Math.Min(OpenedRows, (long)(last.Seq - _last.Seq)));
        _last = last;
    }

    public void Dispose()
    {
        _shelves.ForEach(shelf => shelf.Dispose());
        _key.Dispose();
    }

    void Seal(SealedShelf shelf, int index, LogPoint seen) => shelf.Seal(index, _roster, _key, seen);

    void FillInTurn(SealedShelf shelf, int count)
    {
        var point = _last;
        for (var index = 0; index < count; index++)
            point = point.Next(shelf.Token, Transcript.RowHash(shelf.Seal(index, _roster, _key, point)));
    }

    void OpenSome(Result result, long count)
    {
        var log = LobbyLog.Enter(_roster, _last, reader: null);
        using var page = JsonDocument.Parse(ask(dialect.ReadPage(reader, lobby, (long)_last.Seq, OpenedRows)));
        var opened = 0;
        foreach (var told in page.RootElement.GetProperty("events").EnumerateArray())
        {
            var sender = told.GetProperty("from").GetProperty("public_token").GetGuid();
            var row = Encoding.UTF8.GetBytes(told.GetProperty("row_data").GetRawText());
            var judgement = log.Judge(SealedRow.Parse(row), sender, _identities);
            var verdict = judgement.Verdict;
            if (verdict == Verdict.Accepted)
            {
                log.Append(judgement);
                verdict = SealedMessage.Open(judgement, _key, out var content);
                using (content)
                    opened += content is not null && IsBy(sender, content) ? 1 : 0;
            }
            if (verdict != Verdict.Accepted)
                result.Fail($"lobby {lobby}: {verdict} at {judgement.Seq}");
        }
        if (opened != count)
            result.Fail($"lobby {lobby}: {opened} of {count} rows say what was posted");
    }

    bool IsBy(Guid sender, Content content) => TextContent.TryRead(content, out var text)
        && payload.TryRead(Encoding.UTF8.GetBytes($"\"{text.Text}\""), out var poster, out _)
        && SealedMember.Token(poster) == sender;

    void ReadRoster()
    {
        var state = default(RosterState);
        var isWhole = false;
        while (!isWhole)
        {
            using var reply = JsonDocument.Parse(ask(dialect.ReadRoster(reader, lobby, (long?)state?.Height ?? 0)));
            foreach (var told in reply.RootElement.GetProperty("identities").EnumerateArray())
            {
                var login = told.GetProperty("login").GetString()!;
                Require(IdentityRecord.Accept(login, Bytes(told.GetProperty("record")), out var identity));
                _identities[identity!.Fingerprint] = identity;
            }
            foreach (var told in reply.RootElement.GetProperty("entries").EnumerateArray())
            {
                Require(RosterEntry.Parse(Bytes(told.GetProperty("roster_entry")), out var entry));
                Require(RosterState.Apply(state, entry!, _identities, out state));
            }
            isWhole = !reply.RootElement.GetProperty("more").GetBoolean();
        }
        _roster = state!;
    }

    void ReadKey()
    {
        using var reply = JsonDocument.Parse(ask(dialect.ReadKeys(reader, lobby)));
        using var identity = SealedMember.Identity(reader);
        var wrap = reply.RootElement.GetProperty("key_wraps")[0].GetProperty("wrap");
        Require(GenerationKey.OpenWrap(_roster, _roster.Generation, identity, Bytes(wrap), out var key));
        _key = key!;
    }

    LogPoint ReadLast()
    {
        using var page = JsonDocument.Parse(ask(dialect.ReadPage(reader, lobby, after: 0, countMax: 1)));
        var hash = page.RootElement.GetProperty("hash").GetString();
        return Digest.TryParse(hash, out var digest)
            ? new LogPoint(page.RootElement.GetProperty("last_seq").GetUInt64(), digest)
            : throw new LoadException($"the server tells no transcript of lobby {lobby}");
    }

    void Require(Verdict verdict)
    {
        if (verdict != Verdict.Accepted)
            throw new LoadException($"sealed lobby {lobby} cannot be opened: {verdict}");
    }

    static UInt128 IdIn(ReadOnlySpan<byte> row) => MemoryMarshal.Read<UInt128>(row[IdStart..]);

    static byte[] Bytes(JsonElement text) => Base64Text.TryDecode(text.GetString(), out var bytes)
        ? bytes
        : throw new LoadException("what the server tells of a sealed lobby is no base64url");
}
