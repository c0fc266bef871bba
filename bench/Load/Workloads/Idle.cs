using System.Diagnostics;

namespace Conclave.Bench.Load.Workloads;

/// <summary>
/// P3: connections that sign in, follow a lobby where nothing happens, and stay: how fast they come in, and what each
/// costs in memory that is resident.
/// </summary>
sealed class Idle(Settings settings) : Workload(settings)
{
    const int MembersPerLobby = 5;

    // So many come and go before: what the first ones need once is not what each one needs.
    const int RehearsalCount = 100;

    readonly List<Link> _links = [];
    int _connections;
    int _firstUser;
    int _firstLobby;
    double _settle;
    bool _isByPassword;

    protected override void Prepare()
    {
        _connections = Settings.Count("connections", 5000);
        _firstUser = Settings.Count("first_user", 0);
        _firstLobby = Settings.Count("first_lobby", 100);
        _settle = Settings.Number("settle", 3);
        _isByPassword = Settings.Text("by", "token") switch
        {
            "token" => false,
            "password" => true,
            var other => throw new LoadException($"nobody signs in by {other}: token or password"),
        };
        var guide = Open(0);
        for (var lobby = 0; lobby * MembersPerLobby < _connections; lobby++)
            Find(guide, _firstLobby + lobby);
        Close(guide);
        Result["connections"] = _connections;
        Result["by"] = _isByPassword ? "password" : "token";
    }

    protected override void Execute()
    {
        if (Settings.Warmup > 0)
        {
            OpenAll(_isByPassword ? 4 : RehearsalCount);
            foreach (var link in _links)
                Close(link);
            _links.Clear();
            Settle(_settle);
        }
        var before = Processes.ResidentKib(Settings.ServerProcess);
        Begin();
        var since = Stopwatch.GetTimestamp();
        OpenAll(_connections);
        var seconds = Stopwatch.GetElapsedTime(since).TotalSeconds;
        End();
        Settle(_settle);
        var after = Processes.ResidentKib(Settings.ServerProcess);
        Result["connects_per_second"] = _connections / seconds;
        Result["server_rss_before_kib"] = before;
        Result["server_rss_kib"] = after;
        Result["bytes_per_connection"] = (after - before) * 1024.0 / _connections;
    }

    // Nobody posts.
    protected override void OnFrame(Link link, in Frame frame)
    {
        if (frame.Kind is FrameKind.Entry or FrameKind.Ack)
            Result.Fail($"connection {link.Index}: something came that nobody posted");
        OnOther(link, in frame);
    }

    void OpenAll(int count) => OpenMany(
        count,
        QuestionsOf,
        (link, _) =>
        {
            _links.Add(link);
            Latencies.Add(Stopwatch.GetTimestamp() - link.Since);
        });

    byte[][] QuestionsOf(int index)
    {
        var (user, lobby) = (_firstUser + index, _firstLobby + index / MembersPerLobby);
        return _isByPassword && Dialect.SignIn(user) is { } signIn
            ? [signIn, Dialect.Subscribe(-1, lobby, after: null)]
            : [Dialect.Subscribe(user, lobby, after: null)];
    }
}
