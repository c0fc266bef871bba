using Conclave.Server.Storage;

namespace Conclave.Tests.Server.Storage;

public sealed class PostgresProgramsTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("conclave-programs-").FullName;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public PostgresProgramsTests() =>
        File.SetUnixFileMode(
            _folder, File.GetUnixFileMode(_folder) | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("postgres (PostgreSQL) 12.0", 12)]
    [InlineData("postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)", 15)]
    [InlineData("postgres (PostgreSQL) 19beta2", 19)]
    public async Task Version_is_read_from_the_programs_answer(string answer, int major)
    {
        await InstallAsync(answer);

        Assert.Equal(major, (await FindAsync(_folder, null)).Major);
    }

    [Theory]
    [InlineData("postgres (PostgreSQL) 11.22")]
    [InlineData("postgres (PostgreSQL) 9.6.24")]
    public async Task Too_old_a_version_is_refused_in_one_sentence(string answer)
    {
        await InstallAsync(answer);

        var refused = await Assert.ThrowsAsync<StartupException>(() => FindAsync(_folder, null));

        Assert.StartsWith(
            "Conclave needs PostgreSQL 12 or newer and found ", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Data_of_another_major_version_are_refused_in_one_sentence()
    {
        await InstallAsync("postgres (PostgreSQL) 15.1");

        var refused = await Assert.ThrowsAsync<StartupException>(() => FindAsync(_folder, 13));

        Assert.StartsWith(
            $"The data were written by PostgreSQL 13, but here is 15 in {_folder}",
            refused.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Named_folder_without_programs_is_refused_in_one_sentence()
    {
        var refused = await Assert.ThrowsAsync<StartupException>(() => FindAsync(_folder, null));

        Assert.Equal($"There is no initdb and postgres in {_folder}: correct CONCLAVE_POSTGRES_BIN.", refused.Message);
    }

    static async Task<PostgresPrograms> FindAsync(string folder, int? dataMajor) => await PostgresPrograms.FindAsync(
        folder, dataMajor, await PostgresAccount.FindAsync(Cancellation), Cancellation);

    async Task InstallAsync(string answer)
    {
        foreach (var program in (string[])["initdb", "postgres"])
        {
            var path = Path.Combine(_folder, program);
            await File.WriteAllTextAsync(path, $"#!/bin/sh\necho '{answer}'\n", Cancellation);
            File.SetUnixFileMode(path, File.GetUnixFileMode(_folder));
        }
    }
}
