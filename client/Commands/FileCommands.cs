using System.CommandLine;

namespace Conclave.Client.Commands;

/// <summary>Files: <c>file put|get|list</c>. A file's name is what its sender says, and never a path here.</summary>
static class FileCommands
{
    const string StandardInput = "-";
    const string AnyType = "application/octet-stream";

    public static IEnumerable<Command> All(Frame frame)
    {
        var file = new Command("file", frame.SealHelp.FileGroup);
        file.Add(Put(frame));
        file.Add(Get(frame));
        file.Add(List(frame));
        return [file];
    }

    static Command Put(Frame frame)
    {
        var lobby = LobbyCommands.LobbyArgument(frame.Help.Lobby);
        var path = new Argument<string>("FILE") { Description = frame.SealHelp.LocalFile };
        var name = new Option<string>("--name") { Description = frame.SealHelp.FileName, HelpName = "NAME" };
        var mime = new Option<string>("--mime")
        {
            Description = frame.SealHelp.Mime,
            HelpName = "TYPE",
            DefaultValueFactory = _ => AnyType,
        };
        return frame.Command("put", frame.SealHelp.FilePut, [lobby, path, name, mime], async visit =>
        {
            var seal = visit.Language.Seal;
            var meant = visit.Input.Lobby(visit.Get(lobby)!);
            var isInput = visit.Get(path) == StandardInput;
            var named = visit.Get(name) ?? (isInput ? null : Path.GetFileName(visit.Get(path)!))
                ?? throw new ClientException(ExitCode.Usage, seal.FileNameNeeded, seal.FileNameNeededHint);
            named = visit.Input.ItemName(named);
            await using var content = isInput
                ? Console.OpenStandardInput()
                : LocalFile.Open(visit.Get(path)!, visit.Language);
            await using var client = await visit.ConnectSignedInAsync();
            var seq = await client.Files.PutAsync(meant, named, visit.Get(mime)!, content, visit.Cancellation);
            visit.Show(
                () => SealJson.OfSeq(seq),
                () => [visit.Language.Say.Stored(SafeText.OneLine(visit.Get(lobby)!), seq)]);
        });
    }

    static Command Get(Frame frame)
    {
        var lobby = LobbyCommands.LobbyArgument(frame.Help.Lobby);
        var name = new Argument<string>("NAME") { Description = frame.SealHelp.FileName };
        var to = new Option<string>("--to") { Description = frame.SealHelp.To, HelpName = "FILE" };
        return frame.Command("get", frame.SealHelp.FileGet, [lobby, name, to], async visit =>
        {
            var seal = visit.Language.Seal;
            var meant = visit.Input.Lobby(visit.Get(lobby)!);
            var named = visit.Input.ItemName(visit.Get(name)!);
            var path = visit.Get(to);
            if (path is null && Terminal.IsSeen)
                throw new ClientException(ExitCode.Usage, seal.FileToTerminal, seal.FileToTerminalHint);
            await using var client = await visit.ConnectSignedInAsync();
            // Each piece is verified before it is written; one that is missing ends a pipe early and with exit code 7.
            var file = path is null
                ? await client.Files.GetAsync(meant, named, visit.Terminal.DataStream, visit.Cancellation)
                : await LocalFile.WriteAsync(
                    path, stream => client.Files.GetAsync(meant, named, stream, visit.Cancellation), visit.Language);
            if (file is null)
            {
                throw new ClientException(
                    ExitCode.NotFound, seal.NoSuchLobbyFile(SafeText.OneLine(named)),
                    seal.NoSuchLobbyFileHint(SafeText.OneLine(visit.Get(lobby)!)));
            }
            if (path is not null)
                visit.Show(() => SealJson.Of(file), () => [seal.FileWritten(SafeText.OneLine(named), path)]);
        });
    }

    static Command List(Frame frame)
    {
        var lobby = LobbyCommands.LobbyArgument(frame.Help.Lobby);
        return frame.Command("list", frame.SealHelp.FileList, [lobby], async visit =>
        {
            var meant = visit.Input.Lobby(visit.Get(lobby)!);
            await using var client = await visit.ConnectSignedInAsync();
            var files = await client.Files.ListAsync(meant, visit.Cancellation);
            visit.ShowAll(
                files, SealJson.Of, all => SealReport.Files(all, visit.Language),
                visit.Language.Seal.NoFiles(SafeText.OneLine(visit.Get(lobby)!)));
        });
    }
}
