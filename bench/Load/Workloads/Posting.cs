namespace Conclave.Bench.Load.Workloads;

/// <summary>
/// P1: connections that post and wait for their acknowledgements, spread over lobbies that nobody follows. With a
/// count, it ends when so many are stored: that is how lobbies are filled.
/// </summary>
sealed class Posting(Settings settings) : Workload(settings)
{
    readonly List<Link> _links = [];
    readonly List<SeqSet> _seqs = [];
    int _window;
    long _count;
    long _posted;

    protected override void Prepare()
    {
        var isFill = Settings.Workload == "fill";
        _window = Settings.Count("window", isFill ? 32 : 1);
        _count = isFill ? Settings.Count("count", 50_000) : long.MaxValue;
        var lobbies = isFill ? 1 : Settings.Count("lobbies", 16);
        var firstLobby = isFill ? Settings.Count("lobby", 20) : Settings.Count("first_lobby", 0);
        var firstUser = Settings.Count("first_user", 0);
        for (var index = 0; index < lobbies; index++)
            _seqs.Add(new SeqSet());
        var connections = Settings.Count("connections", isFill ? 8 : 64);
        for (var index = 0; index < connections; index++)
        {
            var (user, lobby) = (firstUser + index, index % lobbies);
            var link = Open(index);
            Ask(link, Dialect.Greet(user));
            Find(link, firstLobby + lobby);
            var form = Dialect.CreatePost(user, firstLobby + lobby, Payload);
            link.Poster = new Poster(user, form, _window, _seqs[lobby], Result);
            _links.Add(link);
        }
        Result["connections"] = connections;
        Result["lobbies"] = lobbies;
        Result["window"] = _window;
        Poll.AfterRead = Refill;
    }

    protected override void Execute()
    {
        if (_count < long.MaxValue)
        {
            Begin();
            FillAll();
            while (_links.Exists(link => link.Poster!.InFlight > 0))
                Poll.Turn(milliseconds: 1000);
            End();
        }
        else
        {
            var isStarted = false;
            Drive(
                _ =>
                {
                    if (!isStarted)
                        FillAll();
                    isStarted = true;
                    return 10;
                },
                isDrained: () => _links.TrueForAll(link => link.Poster!.InFlight == 0));
        }
        if (!_seqs.TrueForAll(seqs => seqs.IsWithoutGap))
            Result.Fail("the seqs of a lobby have a gap");
    }

    protected override void OnFrame(Link link, in Frame frame)
    {
        if (frame.Kind != FrameKind.Ack)
        {
            OnOther(link, in frame);
            return;
        }
        var took = link.Poster!.Accept(in frame, Poll.Now);
        Posts++;
        if (IsMeasuring)
            Latencies.Add(took);
    }

    void FillAll()
    {
        foreach (var link in _links)
            Refill(link);
    }

    void Refill(Link link)
    {
        var room = _count == long.MaxValue && !IsPosting
            ? 0
            : (int)Math.Min(_window - link.Poster!.InFlight, _count - _posted);
        if (room <= 0)
            return;
        _posted += room;
        link.Poster!.Post(Poll, link, room);
    }
}
