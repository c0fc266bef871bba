namespace Conclave.Roster;

/// <summary>
/// A sealed lobby's id is a hash of the entry that created it, in the form of a UUID version 8, and nothing else has a
/// version 8 (docs/sealing.md, section 4).
/// </summary>
public static class SealedLobbyId
{
    /// <summary>
    /// True for every id of version 8. Such a lobby is sealed whatever a server says, and nothing but sealed rows may
    /// be posted to it.
    /// </summary>
    public static bool IsSealed(Guid lobbyId) => lobbyId.Version == 8;

    /// <summary>The id that a create entry with this hash gives its lobby.</summary>
    public static Guid Of(Digest createEntryHash)
    {
        Span<byte> id = stackalloc byte[16];
        createEntryHash.Bytes[..16].CopyTo(id);
        id[6] = (byte)((id[6] & 0x0f) | 0x80);
        id[8] = (byte)((id[8] & 0x3f) | 0x80);
        return new(id, bigEndian: true);
    }
}
