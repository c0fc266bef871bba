using Conclave.Bench.Load.Sealed;
using Conclave.Roster;

namespace Conclave.Bench.Load.Workloads;

/// <summary>
/// P1: connections that post and wait for their acknowledgements, spread over lobbies that nobody follows. With a
/// count, it ends when so many are stored: that is how lobbies are filled.
/// </summary>
sealed class Posting(Settings settings) : Workload(settings)
{
    // Of one connection, for the warm-up.
    const double SealedPerSecond = 256;

    // Of one connection, for the measurement: as many as four may post to one lobby before they must look again.
    const int SealedAhead = LobbyLog.WindowRows / 4;

    readonly List<Link> _links = [];
    readonly List<SeqSet> _seqs = [];
    SealedStock? _stock;
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
            var link = Open(index);
            Ask(link, Dialect.Greet(firstUser + index));
            Find(link, firstLobby + index % lobbies);
            _links.Add(link);
        }
        var forms = Settings.Count("sealed", 0) > 0
            ? SealForms(firstLobby, lobbies, firstUser)
            : _links.ConvertAll(link =>
                Dialect.CreatePost(firstUser + link.Index, firstLobby + link.Index % lobbies, Payload));
        foreach (var link in _links)
        {
            link.Poster = new Poster(
                firstUser + link.Index, forms[link.Index], _window, _seqs[link.Index % lobbies], Result);
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
        else if (_stock is not null)
        {
            Drive(
                _stock, SealedAhead, Start, IsDrained,
                isComplete: () => _links.Exists(link => link.Poster!.Left == 0));
            _stock.Dispose();
        }
        else
        {
            Drive(Start, IsDrained);
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

    List<PostForm> SealForms(int firstLobby, int lobbies, int firstUser)
    {
        _stock = new SealedStock(Result);
        var rooms = new SealedRoom[lobbies];
        for (var lobby = 0; lobby < lobbies; lobby++)
        {
            // The last of its posters reads it: one who was invited, and has the key by a wrap.
            var reader = _links.FindLast(link => link.Index % lobbies == lobby)!;
            rooms[lobby] = OpenSealed(reader, firstLobby + lobby, firstUser + reader.Index);
            _stock.Add(rooms[lobby]);
        }
        var shelves = _links.ConvertAll(link => rooms[link.Index % lobbies].AddPoster(firstUser + link.Index));
        _stock.Fill(SealedPerSecond * Settings.Warmup);
        return _links.ConvertAll(link =>
            ((ConclaveDialect)Dialect).CreateSealedPost(firstLobby + link.Index % lobbies, shelves[link.Index]));
    }

    bool IsDrained() => _links.TrueForAll(link => link.Poster!.InFlight == 0);

    // Once each is in flight, what comes back sets off the next.
    int Start(long now)
    {
        if (_links.TrueForAll(link => link.Poster!.InFlight == 0))
            FillAll();
        return 10;
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
            : (int)Math.Min(
                Math.Min(_window - link.Poster!.InFlight, _count - _posted), link.Poster!.Left);
        if (room <= 0)
            return;
        _posted += room;
        link.Poster!.Post(Poll, link, room);
    }
}
