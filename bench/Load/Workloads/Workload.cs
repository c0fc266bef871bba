using System.Diagnostics;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using Conclave.Bench.Load.Sealed;

namespace Conclave.Bench.Load.Workloads;

/// <summary>
/// What the workloads share: connections, questions at the set-up, and a run of warm-up, measured window and draining,
/// at whose edges the processor times are read.
/// </summary>
abstract class Workload : IDisposable
{
    // Connections of one loopback address, below what the server allows for one.
    const int LinksPerAddress = 500;

    static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(30);

    // A server must not need to take more connections at once than it can hold in its backlog.
    const int OpeningsMax = 64;

    readonly HashSet<Link> _links = [];
    readonly Commits _commits;
    readonly int _openingsMax;
    byte[] _answer = [];
    Link? _asked;
    long _answerSeq;
    Edge _edge;

    protected Workload(Settings settings)
    {
        Settings = settings;
        Dialect = settings.Target switch
        {
            "conclave" => new ConclaveDialect(settings.Server.ToString()),
            "floor" => new FloorDialect(),
            _ => throw new LoadException($"there is no target {settings.Target}: conclave or floor"),
        };
        if (settings.Bytes is < Payload.BytesMin or > 60_000)
            throw new LoadException($"bytes must be from {Payload.BytesMin} to 60000");
        Payload = new Payload(settings.Bytes);
        Poll = new Poll(Dialect) { Handler = OnFrame };
        _commits = new Commits(settings.Database);
        _openingsMax = settings.Count("openings", OpeningsMax);
    }

    public Result Result { get; } = new();

    protected Settings Settings { get; }

    protected Dialect Dialect { get; }

    protected Payload Payload { get; }

    protected Poll Poll { get; }

    /// <summary>Of what is measured.</summary>
    protected Latencies Latencies { get; } = new();

    protected bool IsMeasuring { get; private set; }

    protected bool IsPosting { get; private set; }

    protected long Posts { get; set; }

    protected long Deliveries { get; set; }

    public void Dispose()
    {
        foreach (var link in _links)
            link.Dispose();
        _commits.Dispose();
    }

    public void Run()
    {
        Result["workload"] = Settings.Workload;
        Result["target"] = Settings.Target;
        Result["bytes"] = Settings.Bytes;
        Prepare();
        Settings.RequireAllKnown();
        // The first time, it would be compiled while the clock runs.
        Look();
        Execute();
    }

    /// <summary>Opens what is needed before the clock runs.</summary>
    protected abstract void Prepare();

    /// <summary>The run itself.</summary>
    protected abstract void Execute();

    /// <summary>Handles a frame, except the answer to <see cref="Ask"/>.</summary>
    protected abstract void OnFrame(Link link, in Frame frame);

    /// <summary>Connects, and upgrades where that is needed.</summary>
    protected Link Open(int index, int receiveBytes = 0)
    {
        var link = Connect(index, receiveBytes);
        if (Dialect.Handshake.Length > 0)
            Ask(link, Dialect.Handshake);
        link.IsUpgraded = true;
        return link;
    }

    protected void Close(Link link)
    {
        _links.Remove(link);
        Poll.Remove(link);
    }

    /// <summary>Asks and waits for the answer; returns the last seq in it.</summary>
    protected long Ask(Link link, byte[]? question)
    {
        if (question is null)
            return 0;
        var (handler, afterRead) = (Poll.Handler, Poll.AfterRead);
        _asked = link;
        Poll.Handler = OnAnswer;
        Poll.AfterRead = null;
        Poll.Send(link, question);
        var since = Stopwatch.GetTimestamp();
        while (_asked is not null)
        {
            Poll.Turn(milliseconds: 100);
            if (Stopwatch.GetElapsedTime(since) > AnswerPatience)
                throw new LoadException($"no answer on connection {link.Index}");
        }
        (Poll.Handler, Poll.AfterRead) = (handler, afterRead);
        return _answerSeq;
    }

    /// <summary>
    /// Opens many, some at a time. Each asks its questions one after the other, as soon as the one before is answered.
    /// </summary>
    /// <param name="count">How many.</param>
    /// <param name="questions">What one with this index asks.</param>
    /// <param name="onReady">Comes with the last answer: the link, and the seq in the answer.</param>
    protected void OpenMany(int count, Func<int, byte[][]> questions, Action<Link, long> onReady)
    {
        var opening = new Opening(Poll, questions, onReady);
        var (handler, afterRead) = (Poll.Handler, Poll.AfterRead);
        Poll.Handler = (Link link, in Frame frame) =>
        {
            if (!opening.TryAccept(link, in frame))
                OnOther(link, in frame);
        };
        Poll.AfterRead = null;
        var since = Stopwatch.GetTimestamp();
        for (var index = 0; index < count || opening.Pending > 0;)
        {
            for (; index < count && opening.Pending < _openingsMax; index++)
                opening.Begin(Connect(index), Dialect.Handshake);
            var ready = opening.Ready;
            Poll.Turn(milliseconds: 100);
            since = opening.Ready > ready ? Stopwatch.GetTimestamp() : since;
            if (Stopwatch.GetElapsedTime(since) > AnswerPatience)
                throw new LoadException($"only {opening.Ready} of {count} connections could sign in");
        }
        (Poll.Handler, Poll.AfterRead) = (handler, afterRead);
    }

    /// <summary>Makes sure that the lobby can be named in requests.</summary>
    protected void Find(Link link, int lobby)
    {
        if (Dialect.FindLobby(lobby) is not { } question)
            return;
        Ask(link, question);
        Dialect.Learn(lobby, _answer);
    }

    /// <summary>Opens a sealed lobby as a member does.</summary>
    protected SealedRoom OpenSealed(Link link, int lobby, int reader)
    {
        if (Dialect is not ConclaveDialect dialect)
            throw new LoadException($"{Settings.Target} has no sealed lobbies");
        var room = new SealedRoom(
            dialect,
            question =>
            {
                Ask(link, question);
                return _answer;
            },
            lobby, reader, Payload);
        room.Open();
        return room;
    }

    /// <summary>What any workload may see between its own frames.</summary>
    protected void OnOther(Link link, in Frame frame)
    {
        if (frame.Kind == FrameKind.Ping)
            Poll.Send(link, Dialect.Pong(frame.Body));
        else if (frame.Kind == FrameKind.Refused)
            throw new LoadException($"connection {link.Index}: {Encoding.UTF8.GetString(frame.Body)}");
    }

    /// <summary>Warms up, measures and drains.</summary>
    /// <param name="post">Posts what may be posted now; returns how many milliseconds that need not be asked.</param>
    /// <param name="isDrained">Whether everything has come.</param>
    /// <param name="isComplete">Whether the measured window may end before its time.</param>
    protected void Drive(Func<long, int> post, Func<bool> isDrained, Func<bool>? isComplete = null) =>
        Drive(Settings.Warmup, Settings.Seconds, post, isDrained, isComplete);

    /// <summary>
    /// The same where posts are sealed ahead: what warms up and what is measured are apart, and in between there is
    /// time to seal again.
    /// </summary>
    protected void Drive(
        SealedStock stock, double ahead, Func<long, int> post, Func<bool> isDrained, Func<bool> isComplete)
    {
        Drive(Settings.Warmup, 0, post, isDrained, isComplete: null);
        stock.Check();
        stock.Fill(ahead);
        Drive(0, Settings.Seconds, post, isDrained, isComplete);
        stock.Check();
    }

    void Drive(double warmup, double seconds, Func<long, int> post, Func<bool> isDrained, Func<bool>? isComplete)
    {
        var from = Stopwatch.GetTimestamp() + Ticks(warmup);
        var until = from + Ticks(seconds);
        IsPosting = true;
        while (IsPosting || !isDrained())
        {
            var now = Stopwatch.GetTimestamp();
            if (IsPosting && !IsMeasuring && now >= from)
            {
                Begin();
            }
            else if (IsMeasuring && (now >= until || isComplete?.Invoke() == true))
            {
                End();
                IsPosting = false;
            }
            else if (!IsPosting && now > until + Ticks(AnswerPatience.TotalSeconds))
            {
                Result.Fail("not everything came in time");
                return;
            }
            Poll.Turn(IsPosting ? post(now) : 10);
        }
    }

    /// <summary>The measured window begins.</summary>
    protected void Begin()
    {
        _edge = Look();
        (Posts, Deliveries) = (0, 0);
        Latencies.Clear();
        IsMeasuring = true;
    }

    /// <summary>The measured window ends.</summary>
    protected void End()
    {
        var time = Stopwatch.GetTimestamp();
        var edge = Look();
        IsMeasuring = false;
        var seconds = (double)(time - _edge.Time) / Stopwatch.Frequency;
        Result["seconds"] = seconds;
        Result["posts"] = Posts;
        Result["deliveries"] = Deliveries;
        Result["posts_per_second"] = Posts / seconds;
        Result["deliveries_per_second"] = Deliveries / seconds;
        Result["p50_us"] = Latencies.Percentile(50);
        Result["p99_us"] = Latencies.Percentile(99);
        Result["max_us"] = Latencies.Max;
        Result["cpu_server_us"] = edge.Server - _edge.Server;
        Result["cpu_postgres_us"] = edge.Postgres - _edge.Postgres;
        Result["cpu_load_us"] = edge.Load - _edge.Load;
        Result["commits"] = edge.Commits - _edge.Commits;
        Result["posts_per_commit"] = (double)Posts / Math.Max(1, edge.Commits - _edge.Commits);
        Result["server_rss_kib"] = Processes.ResidentKib(Settings.ServerProcess);
    }

    /// <summary>Lets the server come to rest.</summary>
    protected void Settle(double seconds)
    {
        var since = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(since).TotalSeconds < seconds)
            Poll.Turn(milliseconds: 100);
    }

    protected static long Ticks(double seconds) => (long)(seconds * Stopwatch.Frequency);

    Link Connect(int index, int receiveBytes = 0)
    {
        var address = new IPAddress([127, 0, 1, (byte)(1 + index / LinksPerAddress)]);
        var link = new Link(index, Settings.Server, address, receiveBytes);
        _links.Add(link);
        Poll.Add(link);
        return link;
    }

    // Takes a millisecond, and holds the loop up that long; the time comes last, so that a window begins after it.
    Edge Look() => new(
        Processes.Time(Settings.ServerProcess),
        Processes.TreeTime(Settings.PostgresProcess),
        Processes.Time(Environment.ProcessId),
        _commits.Count,
        Stopwatch.GetTimestamp());

    void OnAnswer(Link link, in Frame frame)
    {
        if (link != _asked || frame.Kind is not (FrameKind.Answer or FrameKind.Upgraded))
        {
            if (frame.Kind == FrameKind.Entry)
                OnFrame(link, in frame);
            else
                OnOther(link, in frame);
            return;
        }
        link.IsUpgraded = true;
        _answerSeq = frame.Seq;
        _answer = frame.Body.ToArray();
        _asked = null;
    }

    [StructLayout(LayoutKind.Auto)]
    readonly record struct Edge(long Server, long Postgres, long Load, long Commits, long Time);
}
