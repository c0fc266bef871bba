using System.CommandLine;
using Conclave.Protocol;
using Conclave.Sdk;

namespace Conclave.Client.Commands;

/// <summary>Who is in a lobby and what they may do there: <c>invite|readmit|rights|remove|leave</c>.</summary>
static class MemberCommands
{
    public static IEnumerable<Command> All(Frame frame) =>
        [Invite(frame), Readmit(frame), SetRights(frame), Remove(frame), Leave(frame)];

    static Command Invite(Frame frame)
    {
        var lobby = LobbyCommands.LobbyArgument(frame.Help.Lobby);
        var login = new Argument<string>(Frame.LoginArgument) { Description = frame.Help.InvitedLogin };
        var rights = new Option<string>("--rights")
        {
            Description = frame.Help.Rights,
            HelpName = "RIGHTS",
            DefaultValueFactory = _ => string.Join(',', RightName.NamesOf(Rights.Default)),
        };
        return frame.Command("invite", frame.Help.Invite, [lobby, login, rights], async visit =>
        {
            var meant = visit.Input.Lobby(visit.Get(lobby)!);
            var name = visit.Input.Login(visit.Get(login)!);
            var granted = visit.Input.Rights(visit.Get(rights)!);
            await using var client = await visit.ConnectSignedInAsync();
            var reply = await client.Lobbies.InviteAsync(meant, name, granted, visit.Cancellation);
            visit.Show(
                () => JsonLine.Of(reply), () => [Report.Invited(reply, visit.Get(lobby)!, visit.Language)]);
            if (Report.IsSealed(reply.LobbyId)
                && (await client.Trust.FindAsync(name, visit.Cancellation)) is { IsVerified: false })
                visit.Note(visit.Language.Seal.NotVerifiedYet(name));
        });
    }

    static Command Readmit(Frame frame)
    {
        var (lobby, login) = (LobbyCommands.LobbyArgument(frame.Help.Lobby), MemberArgument(frame));
        return frame.Command("readmit", frame.SealHelp.Readmit, [lobby, login], async visit =>
        {
            var meant = visit.Input.Lobby(visit.Get(lobby)!);
            var name = visit.Input.Login(visit.Get(login)!);
            await using var client = await visit.ConnectSignedInAsync();
            var reply = await SealedLobbyCommands.OfSealedAsync(
                visit, () => client.Lobbies.ReadmitAsync(meant, name, visit.Cancellation));
            visit.Show(
                () => JsonLine.Of(reply), () => [Report.Invited(reply, visit.Get(lobby)!, visit.Language)]);
        });
    }

    static Command SetRights(Frame frame)
    {
        var (lobby, login) = (LobbyCommands.LobbyArgument(frame.Help.Lobby), MemberArgument(frame));
        var rights = new Argument<string>("RIGHTS") { Description = frame.Help.Rights };
        return frame.Command("rights", frame.Help.SetRights, [lobby, login, rights], async visit =>
        {
            var meant = visit.Input.Lobby(visit.Get(lobby)!);
            var name = visit.Input.Login(visit.Get(login)!);
            var given = visit.Input.Rights(visit.Get(rights)!);
            await using var client = await visit.ConnectSignedInAsync();
            var member = await FindAsync(visit, client, meant, name);
            var reply = await client.Lobbies.SetRightsAsync(
                meant, member, given, cancellationToken: visit.Cancellation);
            visit.Show(
                () => JsonLine.Of(reply),
                () => [Report.RightsSet(name, visit.Get(lobby)!, given, visit.Language)]);
        });
    }

    static Command Remove(Frame frame)
    {
        var (lobby, login) = (LobbyCommands.LobbyArgument(frame.Help.Lobby), MemberArgument(frame));
        return frame.Command("remove", frame.Help.Remove, [lobby, login], async visit =>
        {
            var meant = visit.Input.Lobby(visit.Get(lobby)!);
            var name = visit.Input.Login(visit.Get(login)!);
            await using var client = await visit.ConnectSignedInAsync();
            var member = await FindAsync(visit, client, meant, name);
            var reply = await client.Lobbies.RemoveMemberAsync(
                meant, member, cancellationToken: visit.Cancellation);
            visit.Show(
                () => JsonLine.Of(reply), () => [Report.Removed(name, visit.Get(lobby)!, visit.Language)]);
        });
    }

    static Command Leave(Frame frame)
    {
        var lobby = LobbyCommands.LobbyArgument(frame.Help.Lobby);
        return frame.Command("leave", frame.Help.Leave, [lobby], async visit =>
        {
            var meant = visit.Input.Lobby(visit.Get(lobby)!);
            await using var client = await visit.ConnectSignedInAsync();
            var reply = await client.Lobbies.LeaveAsync(meant, cancellationToken: visit.Cancellation);
            visit.Show(() => JsonLine.Of(reply), () => [Report.HasLeft(visit.Get(lobby)!, visit.Language)]);
        });
    }

    // By the list of members, which in a sealed lobby is the signed one: a server asked for a user's public token could
    // name somebody else's, and another would be removed.
    static async Task<Guid> FindAsync(Visit visit, ConclaveClient client, LobbyRef lobby, string login)
    {
        var members = await client.MembersAsync(lobby, visit.Cancellation);
        if (members.FirstOrDefault(member => string.Equals(member.Login, login, StringComparison.Ordinal)) is { } found)
            return found.PublicToken;
        // Somebody who does not exist is another mistake than somebody who is not in the lobby.
        await client.FindUserAsync(login, visit.Cancellation);
        throw Wording.OfCode(ErrorCode.NotAMember, visit.Language, new About(Login: login));
    }

    static Argument<string> MemberArgument(Frame frame) =>
        new(Frame.LoginArgument) { Description = frame.Help.MemberLogin };
}
