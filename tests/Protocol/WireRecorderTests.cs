using System.Text;
using Conclave.Tests.Support;
using Xunit.Sdk;

namespace Conclave.Tests.Protocol;

/// <summary>What watches over the other tests notices what it is there for.</summary>
public sealed class WireRecorderTests
{
    const string Time = "\"server_time\":\"2026-11-22T17:12:28.339Z\"";

    [Theory]
    [InlineData("undocumented member", """{"id":1,"action":"ping","ok":true,TIME,"surplus":1}""")]
    [InlineData("missing member", """{"id":1,"action":"ping","ok":true}""")]
    [InlineData("another form", """{"id":1,"action":"ping","ok":true,"server_time":"2026-11-22T17:12:28Z"}""")]
    [InlineData("another id", """{"id":2,"action":"ping","ok":true,TIME}""")]
    [InlineData("id written anew", """{"id":1.0,"action":"ping","ok":true,TIME}""")]
    [InlineData("unknown code", """{"id":1,"action":"ping","ok":false,"error":{"code":"odd","message":"No."}}""")]
    [InlineData("another's code", """{"id":1,"action":"ping","ok":false,"error":{"code":"limit","message":"No."}}""")]
    [InlineData("unknown event", """{"event":"rain"}""")]
    public void Server_that_says_what_is_not_documented_fails_the_test(string what, string said)
    {
        var recorder = new WireRecorder();
        recorder.Sent("""{"id":1,"action":"ping"}"""u8.ToArray());
        var fault = Record.Exception(() => recorder.Received(Said(said)));
        Assert.True(fault is XunitException, what);
    }

    [Fact]
    public void Request_counts_when_the_server_took_it_for_well_formed()
    {
        const string Reply = """{"id":null,"action":"lobby_id","ok":false,"error":{"code":"CODE","message":"No."}}""";
        var recorder = new WireRecorder();
        var request = """{"action":"lobby_id"}"""u8.ToArray();
        recorder.Sent(request);
        recorder.Received(Said(Reply.Replace("CODE", "bad_request", StringComparison.Ordinal)));
        recorder.Sent(request);
        Assert.ThrowsAny<XunitException>(
            () => recorder.Received(Said(Reply.Replace("CODE", "no_such_lobby", StringComparison.Ordinal))));
    }

    static byte[] Said(string text) => Encoding.UTF8.GetBytes(text.Replace("TIME", Time, StringComparison.Ordinal));
}
