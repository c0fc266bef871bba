using System.CommandLine;
using Conclave.Protocol;

namespace Conclave.Client.Commands;

/// <summary>Who is in a lobby and what they may do there: <c>invite|rights|remove|leave</c>.</summary>
static class MemberCommands
{
    public static IEnumerable<Command> All(Frame frame) =>
        [Invite(frame), SetRights(frame), Remove(frame), Leave(frame)];

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
            var user = await client.FindUserAsync(name, visit.Cancellation);
            var reply = await client.InviteAsync(
                meant, user.PublicToken, granted, cancellationToken: visit.Cancellation);
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
            var user = await client.FindUserAsync(name, visit.Cancellation);
            var reply = await client.Lobbies.SetRightsAsync(
                meant, user.PublicToken, given, cancellationToken: visit.Cancellation);
            visit.Show(
                () => JsonLine.Of(reply),
                () => [Report.RightsSet(user.Login, visit.Get(lobby)!, given, visit.Language)]);
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
            var user = await client.FindUserAsync(name, visit.Cancellation);
            var reply = await client.Lobbies.RemoveMemberAsync(
                meant, user.PublicToken, cancellationToken: visit.Cancellation);
            visit.Show(
                () => JsonLine.Of(reply), () => [Report.Removed(user.Login, visit.Get(lobby)!, visit.Language)]);
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

    static Argument<string> MemberArgument(Frame frame) =>
        new(Frame.LoginArgument) { Description = frame.Help.MemberLogin };
}
