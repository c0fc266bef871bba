using System.Text;
using Conclave.Client;
using Conclave.Client.Texts;
using Conclave.Protocol;
using Conclave.Sdk;
using Conclave.Sdk.Sealing;

namespace Conclave.Tests.Client;

/// <summary>What somebody else has written, in whatever way, must not keep anybody from reading the rest.</summary>
public sealed class BadContentTests
{
    public static TheoryData<string> Rows =>
    [
        """ "\ud800" """, """{"t":"\ud800"}""", """{"\ud800":1,"t":"secret","name":"wifi","value":"x"}""",
        """{"t":"secret","name":"\ud800","value":"x"}""", """{"t":"secret","name":"wifi","value":"\udfff"}""",
        """{"t":"secret","\ud800":1}""", """{"t":"file","\ud800":1}""", """{"t":"file","name":"\ud800"}""",
        """{"t":"index","through":1,"secrets":{"\ud800":1},"files":{}}""", """{"t":"file","blob":"\ud800"}""",
        $$"""{"t":"secret","name":"{{new string('x', 100_000)}}"}""",
    ];

    [Theory, MemberData(nameof(Rows))]
    public void Content_of_a_plain_lobby_is_read_past_whatever_it_is(string json)
    {
        var entry = new Entry(new LobbyEvent
        {
            Event = EventName.Message,
            LobbyId = Guid.NewGuid(),
            LobbyName = "board",
            Seq = 1,
            SentAt = DateTimeOffset.UnixEpoch,
            From = new Person("mallory", Guid.NewGuid()),
            RowData = new RawJson(Encoding.UTF8.GetBytes(json.Trim())),
        });
        var shelf = new Shelf();

        shelf.Add(entry);

        Assert.Empty(shelf.Secrets);
        Assert.Empty(shelf.Files);
        Assert.StartsWith("#1  ", EntryReport.Line(entry, English.Language), StringComparison.Ordinal);
        Assert.Null(entry.Content!.Text);
    }
}
