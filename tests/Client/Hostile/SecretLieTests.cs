using System.Text.Json.Nodes;
using Conclave.Client;
using Conclave.Sdk;
using Conclave.Tests.Sdk.Sealing;

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
        den.Server.Post(den.Lobby, "alice", PaperRows.Texts(700));
        // The last index, which is none yet, is more than 512 rows old now.
        await den.Alice.Secrets.SetAsync("den", "other", "x", cancellationToken: Cancel);
        den.Server.Post(den.Lobby, "alice", PaperRows.Texts(500));
        Assert.Equal("test124\n", (await den.DoAsync("secret", "get", "den", "wifi")).Output);

        // Another device of bob, which has never been there, is shown the first version in the place of the second:
        // once, or wherever it is asked about.
        foreach (var isConsistent in (IEnumerable<bool>)[false, true])
        {
            den.Forget("bob");
            den.LieAbout("history", reply =>
            {
                var rows = reply["events"]!.AsArray();
                if (!isConsistent && rows.Count > 1)
                    return;
                foreach (var row in rows.Where(row => (long)row!["seq"]! == 5))
                {
                    if (row!["row_hash"] is not null)
                        row["row_hash"] = den.Lobby.Rows[3].RowHash;
                    else
                        row["row_data"] = "@" + System.Text.Encoding.UTF8.GetString(den.Lobby.Rows[3].RowData);
                }
            });

            Assert.Empty((await den.RefusesAsync(AlarmCode.Fork, "secret", "get", "den", "wifi")).Output);
            await den.StandsAsync(AlarmCode.Fork);
        }

        // Or it is sent where another was asked for.
        den.Forget("bob");
        den.LieAbout("history", reply =>
        {
            if (reply["events"]!.AsArray() is [{ } row] && (long)row["seq"]! == 5)
                reply["events"] = new JsonArray(den.Lobby.Event(den.Lobby.Rows[3], den.Server.LoginOf, null));
        });
        var said = await den.RunAsync("secret", "get", "den", "wifi");
        Assert.Equal((ExitCode.Network, ""), (said.ExitCode, said.Output));
    }
}
