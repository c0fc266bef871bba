using Conclave.Server.Storage;

namespace Conclave.Tests.Server.Storage;

public sealed class PostgresLogTests
{
    [Fact]
    public async Task What_PostgreSQL_says_is_taken_also_when_the_disk_is_full()
    {
        const string FullDisk = "/dev/full";
        Assert.SkipUnless(File.Exists(FullDisk), "this system has no disk that is always full");
        var log = new PostgresLog(FullDisk);
        using var said = new StreamReader(new MemoryStream("first\nsecond\n"u8.ToArray()));

        await log.CopyFromAsync(said);

        Assert.Equal("first\nsecond", log.Tail);
    }
}
