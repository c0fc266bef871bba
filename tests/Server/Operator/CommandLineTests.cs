using Conclave.Tests.Support;

namespace Conclave.Tests.Server.Operator;

/// <summary>What the program says of its commands, and of those it cannot do.</summary>
public sealed class CommandLineTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("conclave-operator-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("")]
    [InlineData("user")]
    [InlineData("user list")]
    [InlineData("user disable")]
    [InlineData("user enable")]
    [InlineData("user delete")]
    [InlineData("user reset-password")]
    [InlineData("lobby")]
    [InlineData("lobby list")]
    [InlineData("lobby show")]
    [InlineData("quota")]
    [InlineData("quota lobbies")]
    [InlineData("quota users")]
    [InlineData("quota set")]
    [InlineData("check")]
    [InlineData("backup")]
    [InlineData("restore")]
    [InlineData("rekey")]
    [InlineData("healthcheck")]
    public async Task Every_command_has_help(string command)
    {
        var help = await OperatorProgram.DoAsync(
            _folder, [.. command.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]);

        Assert.Contains($"conclave-server {command}".TrimEnd(), help.Output, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("user")]
    [InlineData("user disable")]
    [InlineData("user disable ann bob")]
    [InlineData("quota set den")]
    [InlineData("backup")]
    public async Task Wrong_command_line_touches_nothing_and_ends_with_2(string command)
    {
        var run = await OperatorProgram.RunAsync(_folder, command.Split(' '));

        Assert.Equal(2, run.Code);
        Assert.Equal("", run.Output);
        Assert.Contains("--help", run.Errors, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));
    }

    [Theory]
    [InlineData("user list")]
    [InlineData("check")]
    [InlineData("backup never")]
    public async Task Folder_without_a_database_is_not_filled_with_one(string command)
    {
        Assert.Contains("CONCLAVE_DATA", await OperatorProgram.RefusedAsync(_folder, command.Split(' ')),
            StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));
    }
}
