using Conclave.Sdk;

namespace Conclave.Tests.Client.Hostile;

/// <summary>A server that wants an older version of a secret to be taken for the newest.</summary>
public sealed class SecretLieTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Secret_is_not_shown_when_its_newest_version_may_have_been_refused()
    {
        await using var den = await HostileDen.StartAsync(hasRead: false);
        await den.Alice.Secrets.SetAsync("den", "wifi", "test122", cancellationToken: Cancel);
        await den.Alice.Secrets.SetAsync("den", "wifi", "test124", cancellationToken: Cancel);
        den.TellBob(rows => rows.Select(row => row.Seq == 5 ? row.Edited(200) : row));

        string[][] questions =
            [["secret", "get", "den", "wifi"], ["secret", "list", "den"], ["file", "list", "den"]];
        foreach (var words in questions)
            Assert.Empty((await den.RefusesAsync("bad_signature", words)).Output);
        await den.StandsAsync("bad_signature");
    }

    [Fact]
    public async Task Secret_that_an_index_leads_to_is_not_an_older_version_in_its_place()
    {
        await using var den = await HostileDen.StartAsync(hasRead: false);
        await den.Alice.Secrets.SetAsync("den", "wifi", "test122", cancellationToken: Cancel);
        await den.Alice.Secrets.SetAsync("den", "wifi", "test124", cancellationToken: Cancel);
        await FillAsync(den, 700);
        // The last index, which is none yet, is more than 512 rows old now.
        await den.Alice.Secrets.SetAsync("den", "other", "x", cancellationToken: Cancel);
        await FillAsync(den, 500);
        Assert.Equal("test124\n", (await den.DoAsync("secret", "get", "den", "wifi")).Output);

        // Another device of bob, which has never been there, is shown the first version in the place of the second.
        den.Forget("bob");
        den.LieAbout("history", reply =>
        {
            if (reply["events"]!.AsArray() is not [{ } row] || (long)row["seq"]! != 5)
                return;
            row["row_data"] = "@" + System.Text.Encoding.UTF8.GetString(den.Lobby.Rows[3].RowData);
        });

        Assert.Empty((await den.RefusesAsync(AlarmCode.Fork, "secret", "get", "den", "wifi")).Output);
        await den.StandsAsync(AlarmCode.Fork);
    }

    static async Task FillAsync(HostileDen den, int rows)
    {
        for (var done = 0; done < rows; done += 100)
            await Task.WhenAll(Enumerable.Range(done, 100).Select(number => den.SayAsync($"entry {number}")));
    }
}
