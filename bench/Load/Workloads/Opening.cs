namespace Conclave.Bench.Load.Workloads;

/// <summary>Connections on their way: each asks the next question when the one before is answered.</summary>
sealed class Opening(Poll poll, Func<int, byte[][]> questions, Action<Link, long> onReady)
{
    public int Pending { get; private set; }

    public int Ready { get; private set; }

    public void Begin(Link link, byte[] handshake)
    {
        Pending++;
        link.IsUpgraded = handshake.Length == 0;
        if (link.IsUpgraded)
            Ask(link);
        else
            poll.Send(link, handshake);
    }

    /// <summary>False if the frame is none of those that are waited for.</summary>
    public bool TryAccept(Link link, in Frame frame)
    {
        if (frame.Kind is not (FrameKind.Upgraded or FrameKind.Answer))
            return false;
        link.IsUpgraded = true;
        if (link.Step < questions(link.Index).Length)
        {
            Ask(link);
            return true;
        }
        Pending--;
        Ready++;
        onReady(link, frame.Seq);
        return true;
    }

    void Ask(Link link) => poll.Send(link, questions(link.Index)[link.Step++]);
}
