using System.Diagnostics;
using System.Net;
using System.Text;

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

    readonly List<Link> _links = [];
    readonly Commits _commits;
    byte[] _answer = [];
    Link? _asked;
    long _answerSeq;
    (long Time, long Server, long Postgres, long Load, long Commits) _edge;

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
        var address = new IPAddress([127, 0, 1, (byte)(1 + index / LinksPerAddress)]);
        var link = new Link(index, Settings.Server, address, receiveBytes);
        _links.Add(link);
        Poll.Add(link);
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

    /// <summary>Makes sure that the lobby can be named in requests.</summary>
    protected void Find(Link link, int lobby)
    {
        if (Dialect.FindLobby(lobby) is not { } question)
            return;
        Ask(link, question);
        Dialect.Learn(lobby, _answer);
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
    protected void Drive(Func<long, int> post, Func<bool> isDrained, Func<bool>? isComplete = null)
    {
        var from = Stopwatch.GetTimestamp() + Ticks(Settings.Warmup);
        var until = from + Ticks(Settings.Seconds);
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
        (Posts, Deliveries) = (0, 0);
        Latencies.Clear();
        IsMeasuring = true;
        _edge = Look();
    }

    /// <summary>The measured window ends.</summary>
    protected void End()
    {
        var edge = Look();
        IsMeasuring = false;
        var seconds = (double)(edge.Time - _edge.Time) / Stopwatch.Frequency;
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

    protected static long Ticks(double seconds) => (long)(seconds * Stopwatch.Frequency);

    (long Time, long Server, long Postgres, long Load, long Commits) Look() => (
        Stopwatch.GetTimestamp(),
        Processes.Time(Settings.ServerProcess),
        Processes.TreeTime(Settings.PostgresProcess),
        Processes.Time(Environment.ProcessId),
        _commits.Count);

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
}
