using Conclave.Protocol;
using Conclave.Server.Accounts;
using Conclave.Server.Lobbies;
using Conclave.Server.Storage;
using Conclave.Server.Writing;

namespace Conclave.Server.Actions;

/// <summary>What actions work with. Built once, in Program.</summary>
sealed class Rooms
{
    public required Database Database { get; init; }

    public required Outage Outage { get; init; }

    public required UserStore Users { get; init; }

    public required IdentityStore Identities { get; init; }

    public required LobbyStore Lobbies { get; init; }

    public required EntryStore Entries { get; init; }

    public required Sessions Sessions { get; init; }

    public required Presence Presence { get; init; }

    public required PasswordHasher Passwords { get; init; }

    public required VaultSafe Vaults { get; init; }

    public required SignInThrottle Throttle { get; init; }

    public required Registration Registration { get; init; }

    public required Paces Paces { get; init; }

    public required LobbyQuota LobbyQuota { get; init; }

    public required LiveLobbies Live { get; init; }

    public required Erasures Erasures { get; init; }

    public required EntryWriter Writer { get; init; }

    /// <summary>The writer of sealed lobbies.</summary>
    public required EntryWriter SealedWriter { get; init; }

    public required SealedLobbies SealedLobbies { get; init; }

    public required SealedStore Sealed { get; init; }

    public required KeyStore Keys { get; init; }

    public required Figures Figures { get; init; }

    public required Limits Limits { get; init; }

    public required TimeProvider Time { get; init; }

    /// <summary>The writer that a lobby's entries go to.</summary>
    public EntryWriter WriterOf(LobbyInfo lobby) => lobby.IsSealed ? SealedWriter : Writer;
}
