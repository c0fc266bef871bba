using System.Diagnostics;
using Conclave.Bench.Load.Sealed;

namespace Conclave.Bench.Load.Workloads;

/// <summary>
/// P2: one lobby, one poster, many who follow. Paced, or as fast as the slowest follower allows: it may be behind by
/// a bounded number of entries, so that what is measured is delivery. P6 adds one who reads slowly and one who reads
/// another lobby from its beginning, and looks what that costs the others.
/// </summary>
sealed class Fanout(Settings settings) : Workload(settings)
{
    const int SlowBytesPerSecond = 1024;

    // More than are posted; if they do not last, the measurement ends early.
    const double SealedPerSecond = 3000;

    readonly List<Link> _followers = [];
    SealedStock? _stock;
    ReadBody _read = null!;
    Link _poster = null!;
    Link? _slow;
    Link? _replaying;
    int _window;
    int _lagMax;
    int _replayLobby;
    double _interval;
    long _nextPost;
    long _start;
    long _slowFrom;
    long _replayFrom;
    long _replayTo;
    long _replayCount;
    long _replayLast;

    protected override void Prepare()
    {
        var subscribers = Settings.Count("subscribers", 200);
        var rate = Settings.Number("rate", 0);
        _window = Settings.Count("window", 64);
        _lagMax = Settings.Count("lag", 1024);
        _interval = rate > 0 ? Ticks(subscribers / rate) : 0;
        var lobby = Settings.Count("first_lobby", 16);
        var firstUser = Settings.Count("first_user", 0);
        _poster = Open(0);
        Ask(_poster, Dialect.Greet(firstUser));
        Find(_poster, lobby);
        var room = Settings.Count("sealed", 0) > 0 ? OpenSealed(_poster, lobby, firstUser + 1) : null;
        var form = room is null ? Dialect.CreatePost(firstUser, lobby, Payload) : SealForm(room, firstUser, lobby);
        _read = room is null ? Payload.TryRead : room.TryRead;
        // Whoever lags may be behind by all of these, and the times of all are needed.
        _poster.Poster = new Poster(firstUser, form, _window + _lagMax, new SeqSet(), Result);
        // A sealed lobby has no more than 500 members: some have two connections then.
        var members = Settings.Count("members", subscribers);
        for (var index = 1; index <= subscribers; index++)
            _followers.Add(Follow(index, firstUser + 1 + (index - 1) % members, lobby, after: null));
        if (Settings.Count("slow", 0) > 0)
        {
            _slow = Follow(subscribers + 1, firstUser + subscribers + 1, lobby, after: null, receiveBytes: 4096);
            Poll.Pause(_slow);
        }
        _replayLobby = Settings.Count("replay_lobby", 21);
        if (Settings.Count("replay", 0) > 0)
        {
            _replaying = Open(subscribers + 2);
            Find(_replaying, _replayLobby);
        }
        Result["subscribers"] = subscribers;
        Result["rate"] = rate;
        Result["window"] = _window;
        Result["lag"] = _lagMax;
    }

    protected override void Execute()
    {
        _start = _nextPost = _slowFrom = Stopwatch.GetTimestamp();
        if (_replaying is not null)
            Replay(_replaying);
        if (_stock is null)
            Drive(Post, IsDrained);
        else
            Drive(_stock, SealedPerSecond * Settings.Seconds, Post, IsDrained, () => _poster.Poster!.Left == 0);
        _stock?.Dispose();
        foreach (var link in _followers)
            link.Follower!.RequireAll();
        if (_slow is not null)
            Result["slow_bytes"] = _slow.Received;
        if (_replaying is not null)
        {
            var until = _replayTo > 0 ? _replayTo : Stopwatch.GetTimestamp();
            Result["replay_entries"] = _replayCount;
            Result["replay_entries_per_second"] =
                _replayCount / Stopwatch.GetElapsedTime(_replayFrom, until).TotalSeconds;
        }
    }

    protected override void OnFrame(Link link, in Frame frame)
    {
        switch (frame.Kind)
        {
            case FrameKind.Entry when link == _replaying:
                AcceptReplayed(in frame);
                break;
            case FrameKind.Entry:
                var took = link.Follower!.Accept(in frame, Poll.Now);
                if (link == _slow)
                    break;
                Deliveries++;
                if (IsMeasuring && took >= 0)
                    Latencies.Add(took);
                break;
            case FrameKind.Ack:
                link.Poster!.Accept(in frame, Poll.Now);
                Posts++;
                break;
            default:
                if (link == _replaying && frame.Kind == FrameKind.Answer)
                    _replayLast = frame.Seq;
                OnOther(link, in frame);
                break;
        }
    }

    Link Follow(int index, int user, int lobby, long? after, int receiveBytes = 0)
    {
        var link = Open(index, receiveBytes);
        link.Follower = new Follower(user, _read, [_poster.Poster!], Result);
        link.Follower.Seq = Ask(link, Dialect.Subscribe(user, lobby, after));
        return link;
    }

    PostForm SealForm(SealedRoom room, int user, int lobby)
    {
        _stock = new SealedStock(Result);
        _stock.Add(room);
        var shelf = room.AddPoster(user);
        _stock.Fill(SealedPerSecond * Settings.Warmup);
        return ((ConclaveDialect)Dialect).CreateSealedPost(lobby, shelf);
    }

    void Replay(Link link)
    {
        _replayFrom = Stopwatch.GetTimestamp();
        var user = Settings.Count("first_user", 0);
        Poll.Send(link, Dialect.Subscribe(user, _replayLobby, after: 0));
    }

    void AcceptReplayed(in Frame frame)
    {
        if (frame.Seq != _replayCount + 1)
            Result.Fail($"seq {frame.Seq} was replayed after {_replayCount}");
        _replayCount = frame.Seq;
        if (_replayCount == _replayLast)
            _replayTo = Poll.Now;
    }

    int Post(long now)
    {
        if (_slow is not null)
            ReadSlowly(_slow, now);
        var poster = _poster.Poster!;
        if (_interval > 0)
        {
            while (now >= _nextPost && poster.Left > 0)
            {
                poster.Post(Poll, _poster, 1);
                _nextPost += (long)_interval;
            }
            return (int)Math.Ceiling((_nextPost - now) * 1000.0 / Stopwatch.Frequency);
        }
        var slowest = long.MaxValue;
        foreach (var link in _followers)
            slowest = Math.Min(slowest, link.Follower!.Count);
        var room = (int)Math.Min(
            poster.Left, Math.Min(_window - poster.InFlight, slowest + _lagMax - poster.Posted));
        // Not one by one: what is sent together is delivered together.
        if (room > 0)
            poster.Post(Poll, _poster, room);
        return 10;
    }

    void ReadSlowly(Link slow, long now)
    {
        var due = (long)((now - _start) * (double)SlowBytesPerSecond / Stopwatch.Frequency) - slow.Received;
        if (now - _slowFrom < Ticks(0.1) || due <= 0)
            return;
        _slowFrom = now;
        Poll.Read(slow, (int)due);
    }

    bool IsDrained() => _poster.Poster!.InFlight == 0
        && _followers.TrueForAll(link => link.Follower!.Count == _poster.Poster.Posted);
}
