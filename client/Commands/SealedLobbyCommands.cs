using System.CommandLine;
using Conclave.Sdk;

namespace Conclave.Client.Commands;

/// <summary>What sealed lobbies have beyond plain ones: <c>lobby plain|code|rotate|succeed|alarm</c>.</summary>
static class SealedLobbyCommands
{
    public static IEnumerable<Command> All(Frame frame) =>
        [DeclarePlain(frame), Code(frame), Rotate(frame), Succeed(frame), Alarm(frame)];

    /// <summary>The signed members, and what is not certain about them.</summary>
    public static async Task ShowRosterAsync(Visit visit, ConclaveClient client, LobbyRef meant, string typed)
    {
        var roster = await client.Lobbies.RosterAsync(meant, visit.Cancellation);
        visit.ShowAll(roster.Members, SealJson.Of, _ => SealReport.Roster(roster, visit.Language));
        if (!roster.IsConfirmed)
            visit.Note(visit.Language.Seal.HistoryUnconfirmed);
        if (roster.IsRotationDue)
            visit.Note(visit.Language.Seal.RotationDue(SafeText.OneLine(roster.LobbyName)));
        await visit.EndAsync(client, roster.LobbyId, typed);
    }

    static Command DeclarePlain(Frame frame)
    {
        var lobby = LobbyCommands.LobbyArgument(frame.Help.Lobby);
        return frame.Command("plain", frame.SealHelp.LobbyPlain, [lobby], async visit =>
        {
            var seal = visit.Language.Seal;
            var meant = visit.Input.Lobby(visit.Get(lobby)!);
            await using var client = await visit.ConnectSignedInAsync();
            var id = meant.Id ?? await ConfirmedAsync(visit, client, meant);
            if (Report.IsSealed(id))
                throw new ClientException(ExitCode.Usage, seal.IsSealedAnyway, seal.IsSealedAnywayHint);
            // The name leads there from now on: whoever declares the lobby by its id should see it.
            var name = (await client.FindLobbyAsync(id, visit.Cancellation)).LobbyName;
            await client.Lobbies.DeclarePlainAsync(id, visit.Cancellation);
            visit.Show(
                () => SealJson.OfLobby(id), () => [seal.DeclaredPlain($"{SafeText.OneLine(name)} ({id})")]);
            visit.Note(seal.PlainMeans);
        });
    }

    // A name is not enough: the server chooses where it leads. Somebody has to look at what it leads to.
    static async Task<Guid> ConfirmedAsync(Visit visit, ConclaveClient client, LobbyRef meant)
    {
        var seal = visit.Language.Seal;
        var found = await client.FindLobbyAsync(meant, visit.Cancellation);
        if (Report.IsSealed(found.LobbyId))
            throw new ClientException(ExitCode.Usage, seal.IsSealedAnyway, seal.IsSealedAnywayHint);
        if (!Terminal.CanAsk)
        {
            throw new ClientException(
                ExitCode.Usage, seal.ConfirmationNeeded, seal.PlainById(found.LobbyId.ToString()));
        }
        foreach (var line in Report.Lobby(found, visit.Language))
            Terminal.Note(line);
        Terminal.Note(seal.PlainMeans);
        var isMeant = await visit.Terminal.AskYesAsync(
            seal.AskPlain(SafeText.OneLine(found.LobbyName)), visit.Cancellation);
        return isMeant ? found.LobbyId : throw new OperationCanceledException();
    }

    static Command Code(Frame frame)
    {
        var lobby = LobbyCommands.LobbyArgument(frame.Help.Lobby);
        return frame.Command("code", frame.SealHelp.LobbyCode, [lobby], async visit =>
        {
            var meant = visit.Input.Lobby(visit.Get(lobby)!);
            await using var client = await visit.ConnectSignedInAsync();
            var code = await OfSealedAsync(visit, () => client.Trust.LobbyCodeAsync(meant, visit.Cancellation));
            visit.Show(() => SealJson.Of(code), () => SealReport.Code(code, visit.Language));
            visit.Note(visit.Language.Seal.CompareCode);
            if (!code.IsConfirmed)
                visit.Note(visit.Language.Seal.HistoryUnconfirmed);
            await visit.EndAsync(client, code.LobbyId, visit.Get(lobby)!);
        });
    }

    static Command Rotate(Frame frame)
    {
        var lobby = LobbyCommands.LobbyArgument(frame.Help.Lobby);
        return frame.Command("rotate", frame.SealHelp.LobbyRotate, [lobby], async visit =>
        {
            var meant = visit.Input.Lobby(visit.Get(lobby)!);
            await using var client = await visit.ConnectSignedInAsync();
            var reply = await OfSealedAsync(visit, () => client.Lobbies.RotateKeyAsync(meant, visit.Cancellation));
            visit.Show(
                () => JsonLine.Of(reply),
                () => [visit.Language.Seal.Rotated(SafeText.OneLine(visit.Get(lobby)!))]);
        });
    }

    static Command Succeed(Frame frame)
    {
        var lobby = LobbyCommands.LobbyArgument(frame.Help.Lobby);
        return frame.Command("succeed", frame.SealHelp.LobbySucceed, [lobby], async visit =>
        {
            var (seal, shown) = (visit.Language.Seal, SafeText.OneLine(visit.Get(lobby)!));
            var meant = visit.Input.Lobby(visit.Get(lobby)!);
            await using var client = await visit.ConnectSignedInAsync();
            var isNew = await OfSealedAsync(visit, () => client.Lobbies.SucceedAsync(meant, visit.Cancellation));
            visit.Show(() => JsonLine.Done, () => [isNew ? seal.Succeeded(shown) : seal.NothingToSucceed(shown)]);
        });
    }

    static Command Alarm(Frame frame)
    {
        var lobby = LobbyCommands.LobbyArgument(frame.SealHelp.LobbyToDecide);
        var dismiss = new Option<bool>("--dismiss") { Description = frame.SealHelp.Dismiss };
        var forget = new Option<bool>("--forget") { Description = frame.SealHelp.Forget };
        var command = frame.Command("alarm", frame.SealHelp.LobbyAlarm, [lobby, dismiss, forget], async visit =>
        {
            var seal = visit.Language.Seal;
            var meant = visit.Input.Lobby(visit.Get(lobby)!);
            await using var client = await visit.ConnectSignedInAsync();
            var id = await client.Lobbies.IdAsync(meant, visit.Cancellation);
            if (meant.Id is null && (visit.Get(dismiss) || visit.Get(forget)))
                throw new ClientException(ExitCode.Usage, seal.DecideById, seal.DecideByIdHint(id.ToString()));
            var alarm = await client.Trust.AlarmAsync(id, visit.Cancellation);
            var shown = SafeText.OneLine(visit.Get(lobby)!);
            if (visit.Get(forget))
                await client.Trust.ForgetLobbyAsync(id, visit.Cancellation);
            else if (alarm is not null && visit.Get(dismiss))
                await client.Trust.DismissAlarmAsync(id, visit.Cancellation);
            else if (alarm is not null)
                throw AlarmWording.Of(alarm, id, visit.Get(lobby), visit.Language);
            visit.Show(
                () => SealJson.OfLobby(id),
                () => [visit.Get(forget) ? seal.LobbyForgotten(shown)
                    : alarm is null ? seal.NoAlarm(shown) : seal.AlarmDismissed(shown)]);
        });
        command.Validators.Add(typed =>
        {
            if (typed.GetValue(dismiss) && typed.GetValue(forget))
                typed.AddError(frame.Terminal.Language.Seal.DismissOrForget);
        });
        return command;
    }

    // The library takes a plain lobby here for a mistake of the program; here it is one of the person.
    public static async Task<T> OfSealedAsync<T>(Visit visit, Func<Task<T>> ask)
    {
        try
        {
            return await ask();
        }
        catch (ArgumentException exception) when (exception.ParamName == "lobby")
        {
            var seal = visit.Language.Seal;
            throw new ClientException(ExitCode.Usage, seal.OnlySealed, seal.OnlySealedHint);
        }
    }
}
