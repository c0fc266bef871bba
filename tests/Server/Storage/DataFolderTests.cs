using Conclave.Server.Storage;

namespace Conclave.Tests.Server.Storage;

public sealed class DataFolderTests : IDisposable
{
    readonly string _parent = Directory.CreateTempSubdirectory("conclave-folder-").FullName;

    string Folder => Path.Combine(_parent, "deeper", "data");

    public void Dispose() => Directory.Delete(_parent, recursive: true);

    [Fact]
    public void New_folder_is_for_its_owner_alone()
    {
        using var folder = DataFolder.Open(Folder);

        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute,
            File.GetUnixFileMode(folder.Path));
    }

    [Fact]
    public void Second_server_on_a_data_folder_is_told_so()
    {
        using var first = DataFolder.Open(Folder);

        var refused = Assert.Throws<StartupException>(() => DataFolder.Open(Folder));

        Assert.StartsWith(
            "Another server is using the data folder " + Folder, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Folder_is_free_again_when_its_server_is_gone()
    {
        DataFolder.Open(Folder).Dispose();
        DataFolder.Open(Folder).Dispose();
    }

    [Fact]
    public void Path_that_is_no_folder_is_named()
    {
        var file = Path.Combine(_parent, "file");
        File.WriteAllText(file, "");

        var refused = Assert.Throws<StartupException>(() => DataFolder.Open(file));

        Assert.Contains(file, refused.Message, StringComparison.Ordinal);
    }
}
