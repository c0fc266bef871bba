using System.Diagnostics;

namespace Conclave.Bench.Load.Workloads;

/// <summary>
/// P4: one client reads a lobby from its first stored entry to its last, again and again until the time is up, but
/// once at least: by a subscription, or page by page.
/// </summary>
sealed class Replay(Settings settings) : Workload(settings)
{
    const int PageCount = 1000;

    bool _isByPage;
    int _lobby;
    int _user;
    int _atLeast;
    long _seq;
    long _lastSeq;
    long _foreign;
    bool _isAnswered;

    protected override void Prepare()
    {
        _lobby = Settings.Count("lobby", 20);
        _user = Settings.Count("first_user", 0);
        _atLeast = Settings.Count("entries", 50_000);
        _isByPage = Settings.Text("by", "subscribe") switch
        {
            "subscribe" => false,
            "history" => true,
            var other => throw new LoadException($"nobody reads by {other}: subscribe or history"),
        };
        var guide = Open(0);
        Ask(guide, Dialect.Greet(_user));
        Find(guide, _lobby);
        Close(guide);
        Result["lobby"] = _lobby;
        Result["by"] = _isByPage ? "history" : "subscribe";
    }

    protected override void Execute()
    {
        var since = Stopwatch.GetTimestamp();
        if (Settings.Warmup > 0)
            Pass(until: since + Ticks(Settings.Warmup));
        var entries = 0L;
        Begin();
        since = Stopwatch.GetTimestamp();
        var bytes = 0L;
        do
        {
            bytes += Pass(until: long.MaxValue);
            entries += _seq;
            if (_seq != _lastSeq || _seq < _atLeast)
                Result.Fail($"{_seq} entries came of {_lastSeq}, and {_atLeast} should be there");
        }
        while (Stopwatch.GetElapsedTime(since).TotalSeconds < Settings.Seconds && Result.IsGood);
        var seconds = Stopwatch.GetElapsedTime(since).TotalSeconds;
        Deliveries = entries;
        End();
        // Only what opens a lobby and its members carries nothing.
        Result["entries_without_body"] = _foreign;
        Result["entries"] = entries;
        Result["entries_per_second"] = entries / seconds;
        Result["bytes_per_second"] = bytes / seconds;
    }

    protected override void OnFrame(Link link, in Frame frame)
    {
        switch (frame.Kind)
        {
            case FrameKind.Entry:
                Accept(in frame);
                break;
            case FrameKind.Answer:
                _isAnswered = true;
                _lastSeq = frame.Seq;
                var page = frame.Body;
                while (_isByPage && Dialect.TryReadEntry(ref page, out var entry))
                    Accept(in entry);
                break;
            default:
                OnOther(link, in frame);
                break;
        }
    }

    // One reading; returns its bytes.
    long Pass(long until)
    {
        (_seq, _lastSeq, _foreign, _isAnswered) = (0, 0, 0, false);
        var link = Open(0);
        var question = _isByPage ? Page() : Dialect.Subscribe(_user, _lobby, after: 0);
        Poll.Send(link, question);
        while ((!_isAnswered || _seq < _lastSeq) && Stopwatch.GetTimestamp() < until)
        {
            Poll.Turn(milliseconds: 1000);
            if (!_isByPage || !_isAnswered || _seq >= _lastSeq)
                continue;
            _isAnswered = false;
            Poll.Send(link, Page());
        }
        Close(link);
        return link.Received;
    }

    byte[] Page() => Dialect.ReadPage(_user, _lobby, _seq, PageCount);

    void Accept(in Frame entry)
    {
        if (entry.Seq != _seq + 1)
            Result.Fail($"seq {entry.Seq} came after {_seq}");
        _seq = entry.Seq;
        if (entry.Body.IsEmpty)
            _foreign++;
        else if (!Payload.TryRead(entry.Body, out _, out _))
            Result.Fail($"seq {entry.Seq} does not carry what was posted");
    }
}
