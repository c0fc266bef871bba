using System.Diagnostics;

namespace Conclave.Bench.Load;

/// <summary>
/// Posts to one lobby over one connection, and checks the acknowledgements: each comes, in the order of the posts,
/// with an ascending seq.
/// </summary>
sealed class Poster(int user, PostForm form, int window, SeqSet seqs, Result result)
{
    // A power of two above anything that waits to be delivered.
    readonly long[] _sentAt = new long[1 << (33 - int.LeadingZeroCount(Math.Max(window, 63)))];
    readonly byte[] _frames = new byte[form.Frame.Length * Math.Clamp(window, 1, 64)];
    long _lastSeq;
    bool _isFilled;

    public int User => user;

    public long Posted { get; private set; }

    public long Acknowledged { get; private set; }

    /// <summary>The seq of the newest post that was acknowledged.</summary>
    public long LastSeq => _lastSeq;

    public int InFlight => (int)(Posted - Acknowledged);

    /// <summary>How many more can be posted.</summary>
    public long Left => form.Limit - Posted;

    public long SentAt(long number) => _sentAt[number & (_sentAt.Length - 1)];

    /// <summary>Posts so many more, several with one send.</summary>
    public void Post(Poll poll, Link link, int count)
    {
        if (!_isFilled)
        {
            for (var at = 0; at < _frames.Length; at += form.Frame.Length)
                form.Frame.CopyTo(_frames, at);
            _isFilled = true;
        }
        var room = _frames.Length / form.Frame.Length;
        while (count > 0)
        {
            var together = Math.Min(count, room);
            var now = Stopwatch.GetTimestamp();
            for (var index = 0; index < together; index++)
            {
                form.Fill(_frames.AsSpan(index * form.Frame.Length, form.Frame.Length), Posted);
                _sentAt[Posted & (_sentAt.Length - 1)] = now;
                Posted++;
            }
            poll.Send(link, _frames.AsSpan(0, together * form.Frame.Length));
            count -= together;
        }
    }

    /// <summary>Takes an acknowledgement; returns how long it took.</summary>
    public long Accept(in Frame ack, long now)
    {
        if (ack.Id != (uint)Acknowledged || Acknowledged >= Posted)
            result.Fail($"user {user}: answer {ack.Id} came where {(uint)Acknowledged} was due");
        if (ack.Seq <= _lastSeq)
            result.Fail($"user {user}: seq {ack.Seq} was acknowledged after {_lastSeq}");
        if (!seqs.Add(ack.Seq))
            result.Fail($"user {user}: seq {ack.Seq} was given twice");
        _lastSeq = ack.Seq;
        form.Place(Acknowledged, ack.Seq);
        return now - SentAt(Acknowledged++);
    }
}
