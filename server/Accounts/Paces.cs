using System.Net;
using Conclave.Protocol;

namespace Conclave.Server.Accounts;

/// <summary>How fast users may write and addresses may ask. Counts what comes to this server.</summary>
sealed class Paces(Limits limits, TimeProvider time)
{
    // Who was quiet may hurry for a moment.
    const int MessageBursts = 2;

    readonly PaceTable<Guid> _messages = new(
        new Pace(limits.MessagesPerSecond, TimeSpan.FromSeconds(1), MessageBursts), limits.ThrottleEntriesMax, time);

    readonly PaceTable<Guid> _messageBytes = new(
        new Pace(limits.MessageBytesPerSecond, TimeSpan.FromSeconds(1), MessageBursts),
        limits.ThrottleEntriesMax,
        time);

    readonly PaceTable<Guid> _invitations = new(
        new Pace(limits.InvitationsPerHour, TimeSpan.FromHours(1)), limits.ThrottleEntriesMax, time);

    readonly PaceTable<Guid> _changes = new(
        new Pace(limits.RosterChangesPerMinute, TimeSpan.FromMinutes(1)), limits.ThrottleEntriesMax, time);

    // Who asks takes nothing from what they may hand out to others.
    readonly PaceTable<Guid> _keysAsked = new(
        new Pace(limits.KeyRepairsPerMinute, TimeSpan.FromMinutes(1)), limits.ThrottleEntriesMax, time);

    readonly PaceTable<Guid> _keysHandedOut = new(
        new Pace(limits.KeyRepairsPerMinute, TimeSpan.FromMinutes(1)), limits.ThrottleEntriesMax, time);

    readonly PaceTable<Guid> _reads = new(
        new Pace(limits.SealedReadsPerMinute, TimeSpan.FromMinutes(1)), limits.ThrottleEntriesMax, time);

    readonly PaceTable<Guid> _lobbies = new(
        new Pace(limits.LobbiesPerHour, TimeSpan.FromHours(1)), limits.ThrottleEntriesMax, time);

    readonly PaceTable<(string Action, AddressGroup Address)> _publicRequests = new(
        new Pace(limits.PublicRequestsPerMinute, TimeSpan.FromMinutes(1)), limits.ThrottleEntriesMax, time);

    /// <summary>Whether a user may put in a message of so many bytes now.</summary>
    public bool TryPost(Guid publicToken, int bytes, out TimeSpan retryAfter)
    {
        if (!_messages.TryTake(publicToken, 1, out retryAfter))
            return false;
        if (_messageBytes.TryTake(publicToken, bytes, out retryAfter))
            return true;
        _messages.Return(publicToken, 1);
        return false;
    }

    /// <summary>Whether a user may invite somebody now.</summary>
    public bool TryInvite(Guid publicToken, out TimeSpan retryAfter) =>
        _invitations.TryTake(publicToken, 1, out retryAfter);

    /// <summary>Nobody was invited after all.</summary>
    public void NotInvited(Guid publicToken) => _invitations.Return(publicToken, 1);

    /// <summary>Whether a user may change a lobby's members, their rights, its name or its keys now.</summary>
    public bool TryChange(Guid publicToken, out TimeSpan retryAfter) =>
        _changes.TryTake(publicToken, 1, out retryAfter);

    /// <summary>Whether a user may have a sealed lobby read now, to write to it.</summary>
    public bool TryRead(Guid publicToken, out TimeSpan retryAfter) =>
        _reads.TryTake(publicToken, 1, out retryAfter);

    /// <summary>Whether a user may create a lobby now.</summary>
    public bool TryCreateLobby(Guid publicToken, out TimeSpan retryAfter) =>
        _lobbies.TryTake(publicToken, 1, out retryAfter);

    /// <summary>No lobby was created after all.</summary>
    public void LobbyNotCreated(Guid publicToken) => _lobbies.Return(publicToken, 1);

    /// <summary>Whether a user may ask the members of a lobby for a key now.</summary>
    public bool TryAskForKey(Guid publicToken, out TimeSpan retryAfter) =>
        _keysAsked.TryTake(publicToken, 1, out retryAfter);

    /// <summary>Whether a user may hand out a key now.</summary>
    public bool TryHandOutKey(Guid publicToken, out TimeSpan retryAfter) =>
        _keysHandedOut.TryTake(publicToken, 1, out retryAfter);

    /// <summary>The key was not taken.</summary>
    public void NotHandedOut(Guid publicToken) => _keysHandedOut.Return(publicToken, 1);

    /// <summary>What was to be changed takes none of that.</summary>
    public void NotChanged(Guid publicToken) => _changes.Return(publicToken, 1);

    /// <summary>
    /// Whether somebody may ask for this action, which needs no token, now. Each of them has a pace of its own; who is
    /// on this machine may always.
    /// </summary>
    public bool TryAsk(string action, IPAddress address, out TimeSpan retryAfter)
    {
        retryAfter = TimeSpan.Zero;
        return AddressGroup.IsLoopback(address)
            || _publicRequests.TryTake((action, AddressGroup.Of(address)), 1, out retryAfter);
    }
}
