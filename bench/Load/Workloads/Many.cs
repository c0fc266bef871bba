namespace Conclave.Bench.Load.Workloads;

/// <summary>
/// P5: many small lobbies. Everybody has a connection and follows one lobby; posts go to the lobbies in turn, and in
/// each to its members in turn, with a number of them in flight altogether.
/// </summary>
sealed class Many(Settings settings) : Workload(settings)
{
    // After everybody has left.
    const double SettleSeconds = 2;

    readonly List<SeqSet> _seqs = [];
    Link[] _links = [];
    int _lobbies;
    int _members;
    int _window;
    long _lagMax;
    long _posted;
    long _acknowledged;
    long _delivered;

    protected override void Prepare()
    {
        _lobbies = Settings.Count("lobbies", 1000);
        _members = Settings.Count("members", 5);
        _window = Settings.Count("window", 1000);
        _lagMax = Settings.Count("lag", 4 * _window * _members);
        var (firstLobby, firstUser) = (Settings.Count("first_lobby", 100), Settings.Count("first_user", 0));
        var guide = Open(0);
        for (var lobby = 0; lobby < _lobbies; lobby++)
            Find(guide, firstLobby + lobby);
        Close(guide);
        _links = new Link[_lobbies * _members];
        var posters = CreatePosters(firstLobby, firstUser);
        OpenMany(
            _links.Length,
            index => [Dialect.Subscribe(firstUser + index, firstLobby + index / _members, after: null)],
            (link, seq) =>
            {
                _links[link.Index] = link;
                var lobby = posters[link.Index / _members];
                link.Poster = lobby[link.Index % _members];
                link.Follower = new Follower(link.Poster.User, Payload.TryRead, lobby, Result) { Seq = seq };
            });
        Result["lobbies"] = _lobbies;
        Result["members"] = _members;
        Result["window"] = _window;
    }

    protected override void Execute()
    {
        Drive(_ => Post(), () => _acknowledged == _posted && _delivered == _posted * _members);
        foreach (var link in _links)
            link.Follower!.RequireAll();
        if (!_seqs.TrueForAll(seqs => seqs.IsWithoutGap))
            Result.Fail("the seqs of a lobby have a gap");
        foreach (var link in _links)
            Close(link);
        Settle(SettleSeconds);
        Result["server_rss_left_kib"] = Processes.ResidentKib(Settings.ServerProcess);
    }

    protected override void OnFrame(Link link, in Frame frame)
    {
        switch (frame.Kind)
        {
            case FrameKind.Entry:
                var took = link.Follower!.Accept(in frame, Poll.Now);
                Deliveries++;
                _delivered++;
                if (IsMeasuring && took >= 0)
                    Latencies.Add(took);
                break;
            case FrameKind.Ack:
                link.Poster!.Accept(in frame, Poll.Now);
                Posts++;
                _acknowledged++;
                break;
            default:
                OnOther(link, in frame);
                break;
        }
    }

    Poster[][] CreatePosters(int firstLobby, int firstUser)
    {
        var posters = new Poster[_lobbies][];
        for (var lobby = 0; lobby < _lobbies; lobby++)
        {
            var seqs = new SeqSet();
            _seqs.Add(seqs);
            posters[lobby] = new Poster[_members];
            for (var member = 0; member < _members; member++)
            {
                var user = firstUser + lobby * _members + member;
                var form = Dialect.CreatePost(user, firstLobby + lobby, Payload);
                posters[lobby][member] = new Poster(user, form, 1, seqs, Result);
            }
        }
        return posters;
    }

    int Post()
    {
        while (_posted - _acknowledged < _window && _posted * _members - _delivered < _lagMax)
        {
            var (lobby, member) = (_posted % _lobbies, _posted / _lobbies % _members);
            var link = _links[lobby * _members + member];
            link.Poster!.Post(Poll, link, 1);
            _posted++;
        }
        return 10;
    }
}
