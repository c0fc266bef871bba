using System.Globalization;
using Conclave.Client.Texts;
using Conclave.Protocol;
using Conclave.Sdk;

namespace Conclave.Client.Menu;

/// <summary>The files of a lobby. Where one is written to is always typed: its name is what its sender says.</summary>
sealed class FileMenu(Sitting sitting)
{
    const string AnyType = "application/octet-stream";

    Screen Screen => sitting.Screen;

    SealMenuTexts Texts => sitting.SealTexts;

    public async Task RunAsync()
    {
        await using var client = await sitting.Host.ConnectSignedInAsync(sitting.Cancellation);
        if (await sitting.ChooseLobbyAsync(client) is not { } lobby)
            return;
        var files = await client.Files.ListAsync(lobby.LobbyId, sitting.Cancellation);
        if (files.Count == 0)
            Screen.Hint(Texts.NoFileYet);
        if (await sitting.ChooseOrElseAsync(Texts.ChooseFile, [null, .. files], Row, Texts.PutFile) is not { } chosen)
            return;
        Screen.Hint(sitting.Texts.GoBack);
        if (chosen.Item is { } file)
            await TakeAsync(client, lobby, file);
        else
            await PutAsync(client, lobby);
    }

    async Task PutAsync(ConclaveClient client, OwnLobby lobby)
    {
        if (await Screen.AskAsync(Texts.AskFilePath, Readable) is not { } path)
            return;
        var name = sitting.Input.ItemName(Path.GetFileName(path));
        await sitting.PostAsync(client, lobby, async () =>
        {
            await using var content = LocalFile.Open(path, sitting.Language);
            var seq = await client.Files.PutAsync(
                Sitting.Meant(lobby), name, AnyType, content, sitting.Cancellation);
            Screen.Done(Screen.Sentence(sitting.Language.Say.Stored(SafeText.OneLine(lobby.LobbyName), seq)));
        });
    }

    async Task TakeAsync(ConclaveClient client, OwnLobby lobby, LobbyFile file)
    {
        if (await Screen.AskAsync(Texts.AskFileTarget, Writable) is not { } path
            || File.Exists(path) && !await sitting.ConfirmAsync(Texts.AskReplace(SafeText.OneLine(path))))
            return;
        var written = await LocalFile.WriteAsync(
            path, stream => client.Files.GetAsync(lobby.LobbyId, file.Name, stream, sitting.Cancellation),
            sitting.Language);
        // It was there when the list was made; now it may have been erased.
        if (written is null)
        {
            throw new ClientException(
                ExitCode.NotFound, sitting.Language.Seal.NoSuchLobbyFile(SafeText.OneLine(file.Name)));
        }
        Screen.Done(Screen.Sentence(
            sitting.Language.Seal.FileWritten(SafeText.OneLine(file.Name), SafeText.OneLine(path))));
    }

    string Readable(string typed)
    {
        var path = FromHome(typed);
        using var tried = LocalFile.Open(path, sitting.Language);
        return path;
    }

    string Writable(string typed) => LocalFile.RequireNoFolder(FromHome(typed), sitting.Language);

    // What a shell would do: people type paths here as they do there.
    static string FromHome(string path) => path.StartsWith("~/", StringComparison.Ordinal)
        ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), path[2..])
        : path;

    (string Name, string Hint) Row(LobbyFile file) => (
        SafeText.OneLine(file.Name),
        string.Create(CultureInfo.InvariantCulture, $"{file.Size} {sitting.Language.Seal.BytesColumn}"));
}
