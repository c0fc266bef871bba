using Conclave.Sdk.Sealing;
using Conclave.Sealing;
using Content = Conclave.Sdk.Content;

namespace Conclave.Tests.Sdk.Sealing;

/// <summary>A secret of a long lobby by the word of an index, which any member may have made.</summary>
public sealed class ShelfTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Rows 2 and 3 are secrets, 603 is the index, 604 a new version of the first.</summary>
    [Theory]
    [InlineData(602UL, "wifi", 2UL)]
    [InlineData(1UL << 52, "wifi", 2UL)]
    [InlineData(604UL, "wifi", 2UL)]
    [InlineData(602UL, "door", 3UL)]
    [InlineData(602UL, "wifi", 3UL)]
    [InlineData(602UL, "wifi", 77UL)]
    public async Task Newest_version_is_found_whatever_an_index_says(ulong through, string name, ulong seq)
    {
        await using var den = await PaperDen.StartAsync();
        var index = new IndexContent(
            through, new Dictionary<string, ulong> { [name] = seq }, new Dictionary<string, ulong>());
        den.Server.Post(
            den.Lobby, "alice",
            [
                Plain(SecretContent.Of("wifi", "one", null).ToContent()),
                Plain(SecretContent.Of("door", "4711", null).ToContent()),
                .. PaperRows.Texts(599), Plain(index.ToContent()),
                Plain(SecretContent.Of("wifi", "two", 2).ToContent()),
                .. PaperRows.Texts(500),
            ]);

        var secret = await den.Elsewhere("alice").Secrets.GetAsync("den", "wifi", Cancel);

        Assert.Equal(("two", 604), (secret?.Value, secret?.Seq));
    }

    /// <summary>
    /// Row 60 replaces row 2; row 604, which has the same predecessor, came second and does not count. The log is
    /// entered after row 60.
    /// </summary>
    [Theory]
    [InlineData(602UL, 60UL)]
    [InlineData(602UL, 3UL)]
    [InlineData(50UL, 2UL)]
    public async Task Version_that_counts_is_found_before_what_is_followed(ulong through, ulong seq)
    {
        await using var den = await PaperDen.StartAsync();
        var index = new IndexContent(
            through, new Dictionary<string, ulong> { ["wifi"] = seq }, new Dictionary<string, ulong>());
        den.Server.Post(
            den.Lobby, "alice",
            [
                Plain(SecretContent.Of("wifi", "one", null).ToContent()), .. PaperRows.Texts(57),
                Plain(SecretContent.Of("wifi", "two", 2).ToContent()), .. PaperRows.Texts(542),
                Plain(index.ToContent()), Plain(SecretContent.Of("wifi", "too late", 2).ToContent()),
                .. PaperRows.Texts(500),
            ]);

        var secret = await den.Elsewhere("alice").Secrets.GetAsync("den", "wifi", Cancel);

        Assert.Equal(("two", 60), (secret?.Value, secret?.Seq));
    }

    static Content Plain(Conclave.Sealing.Content content)
    {
        using (content)
            return ContentForm.ToPlain(content);
    }
}
