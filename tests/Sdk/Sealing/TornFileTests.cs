using Conclave.Sdk;
using Conclave.Sdk.Sealing;
using Conclave.Sealing;

namespace Conclave.Tests.Sdk.Sealing;

/// <summary>Files in pieces, of which one is not what the file names.</summary>
public sealed class TornFileTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("gone")]
    [InlineData("another one")]
    [InlineData("too short")]
    public async Task File_whose_piece_is_not_what_it_was_is_an_alarm(string fault)
    {
        await using var den = await PaperDen.StartAsync();
        var lobby = den.Lobby;
        var (bytes, other) = (new byte[1000], new byte[] { 1 });
        using (var piece = FileContent.Chunk(bytes))
            den.Server.Post(lobby, "alice", ContentForm.ToPlain(piece));
        var hash = Conclave.Sealing.Content.ChunkHash(fault == "another one" ? other : bytes);
        var size = fault == "too short" ? 2000UL : 1000UL;
        var named = new FileChunk(lobby.Rows[1].Nonce!.Value, hash);
        using (var file = new FileContent("plan", "image/png", size, [named]).ToContent([]))
            den.Server.Post(lobby, "alice", ContentForm.ToPlain(file));
        if (fault == "gone")
            lobby.Rows[1] = lobby.Rows[1] with { IsGone = true };

        var alarm = await Assert.ThrowsAsync<AlarmException>(
            () => den.Alice.Files.GetAsync("den", "plan", Stream.Null, Cancel));

        Assert.Equal((AlarmCode.TornFile, 3), (alarm.Code, alarm.Seq));
    }
}
