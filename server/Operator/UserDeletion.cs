using System.Security.Cryptography;
using Conclave.Protocol;
using Conclave.Server.Accounts;
using Conclave.Server.Storage;

namespace Conclave.Server.Operator;

/// <summary>
/// Deletes a user: first nobody signs in as them any more, then they leave every lobby, by entries of the log as if
/// they had left themselves. Cut off, it is made good by running it again.
/// </summary>
sealed class UserDeletion : IAsyncDisposable
{
    readonly Desk _desk;
    readonly UserLedger _users;
    readonly Person _person;
    readonly LogPen _pen;
    readonly List<Membership> _memberships;
    Person? _heir;

    UserDeletion(Desk desk, Person person, LogPen pen, List<Membership> memberships)
    {
        _desk = desk;
        _users = new UserLedger(desk.Database);
        _person = person;
        _pen = pen;
        _memberships = memberships;
    }

    public string Login => _person.Login;

    /// <exception cref="OperatorException">There is no such user, or nothing left to delete.</exception>
    public static async Task<UserDeletion> PrepareAsync(Desk desk, string login, CancellationToken cancellation)
    {
        var users = new UserLedger(desk.Database);
        if (Protocol.Login.Canonical(login) is not { } canonical
            || await users.FindAsync(canonical, cancellation) is not { } found)
            throw new OperatorException("there is no user with this login: conclave-server user list shows all");
        var memberships = await users.MembershipsAsync(found.Person.PublicToken, cancellation);
        if (found.IsDeleted && memberships.All(StaysBehind))
            throw new OperatorException($"{canonical} was deleted already");
        return new UserDeletion(desk, found.Person, new LogPen(desk), memberships);
    }

    /// <summary>Settles who will look after the lobbies that the user leaves without an admin.</summary>
    /// <exception cref="OperatorException">Nobody can.</exception>
    public async Task HandOverAsync(string? login, CancellationToken cancellation)
    {
        var orphans = _memberships.FindAll(lobby => lobby.IsLastAdmin && !StaysBehind(lobby));
        if (login is null)
        {
            if (orphans.Count > 0)
            {
                throw new OperatorException($"{Login} is the last admin of {Names(orphans)}: name a member who takes"
                    + " over with --hand-over");
            }
            return;
        }
        _heir = await UserCommands.FindAsync(_users, login, cancellation);
        var known = await _users.MembershipsAsync(_heir.PublicToken, cancellation);
        var strange = orphans.FindAll(orphan => known.TrueForAll(lobby => lobby.LobbyId != orphan.LobbyId));
        if (_heir == _person || strange.Count > 0)
            throw new OperatorException($"{_heir.Login} cannot take over {Names(strange)}: not a member there");
    }

    /// <returns>How many lobbies the user has left.</returns>
    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        using var passwords = new PasswordHasher(Limits.Default);
        var hash = await passwords.HashAsync(RandomNumberGenerator.GetBytes(32), cancellation);
        await _users.DeleteAsync(_person.PublicToken, hash!, cancellation);
        var left = 0;
        foreach (var lobby in _memberships.Where(lobby => !StaysBehind(lobby)))
        {
            if (lobby.IsLastAdmin)
                await WriteAsync(lobby, EntryKind.RightsChanged, _heir!, Rights.All);
            await WriteAsync(lobby, EntryKind.MemberRemoved, _person, rights: null);
            left++;
        }
        return left;

        Task WriteAsync(Membership lobby, EntryKind kind, Person member, Rights? rights) =>
            _pen.WriteAsync(lobby.LobbyId, kind, _person, member, rights, cancellation);
    }

    public ValueTask DisposeAsync() => _pen.DisposeAsync();

    // A lobby without members could never be read or deleted again: its only member stays on its list. And from a
    // sealed one only its members remove anybody, by an entry that they sign.
    static bool StaysBehind(Membership lobby) => lobby.OtherCount == 0 || lobby.IsSealed;

    static string Names(List<Membership> lobbies) => string.Join(", ", lobbies.Select(lobby => $"'{lobby.Name}'"));
}
