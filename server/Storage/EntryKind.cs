using Conclave.Protocol;

namespace Conclave.Server.Storage;

/// <summary>What an entry of a lobby's log says. The numbers are stored: they never change their meaning.</summary>
enum EntryKind : short
{
    LobbyCreated = 1,
    MemberInvited = 2,
    RightsChanged = 3,
    MemberRemoved = 4,
    LobbyRenamed = 5,
    Message = 6,
    KeyRotated = 7,
    IdentitySucceeded = 8,
}

static class EntryKindName
{
    /// <summary>The name of the event that tells of such an entry.</summary>
    public static string Of(EntryKind kind) => kind switch
    {
        EntryKind.LobbyCreated => EventName.LobbyCreated,
        EntryKind.MemberInvited => EventName.MemberInvited,
        EntryKind.RightsChanged => EventName.RightsChanged,
        EntryKind.MemberRemoved => EventName.MemberRemoved,
        EntryKind.LobbyRenamed => EventName.LobbyRenamed,
        EntryKind.Message => EventName.Message,
        EntryKind.KeyRotated => EventName.KeyRotated,
        EntryKind.IdentitySucceeded => EventName.IdentitySucceeded,
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };
}
