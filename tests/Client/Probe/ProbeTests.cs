using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Conclave.Client.Probe;
using Conclave.Server.Accounts;
using Conclave.Tests.Support;

namespace Conclave.Tests.Client.Probe;

/// <summary>The probe finds nothing at our server, and what is wrong at one that breaks a rule.</summary>
public sealed partial class ProbeTests(PostgresCluster postgres, SharedServer server) : IClassFixture<SharedServer>
{
    // What a server does wrong, and the rule that must notice.
    static readonly (string Wrong, Func<string, string> Change, string Rule)[] Faults =
    [
        ("rounds a number in an id", said => said.Replace("\"id\":1.0,", "\"id\":1,", StringComparison.Ordinal),
            "An id is echoed byte for byte"),
        ("serialises row_data anew", said => said.Replace("\"row_data\":{\"b\" : ", "\"row_data\":{\"b\":",
            StringComparison.Ordinal), "Row data comes back live and stored as the bytes it was sent in"),
        ("leaves duplicate out", said => said.Replace(",\"duplicate\":true", "", StringComparison.Ordinal),
            "A repeated nonce is answered with the first seq and stored once"),
        ("cuts the milliseconds", said => Milliseconds().Replace(said, "Z\""), "Times are in UTC with milliseconds"),
        ("never says more", said => said.Replace("\"more\":true", "\"more\":false", StringComparison.Ordinal),
            "History goes on forward and backward"),
        ("confuses two codes", said => said.Replace("no_such_lobby", "forbidden", StringComparison.Ordinal),
            "A lobby that is not there is no such lobby"),
        ("writes rights in another order", said => said.Replace("\"write\",\"invite\"", "\"invite\",\"write\"",
            StringComparison.Ordinal), "Rights come in their order and with read"),
        ("names no field", said => said.Replace(",\"field\":\"row_data\"", "", StringComparison.Ordinal),
            "A message without row data is refused by name"),
        ("tells which login there is", said => said.Replace("the login or the password is", "the password is",
            StringComparison.Ordinal).Replace("\"auth\",\"ok\":false", $"\"auth\",\"ok\":false,\"n\":{Number()}",
            StringComparison.Ordinal), "A wrong login and a wrong password look the same"),
        ("answers with a key twice", said => said.Replace("\"ok\":true,\"server", "\"ok\":true,\"ok\":true,\"server",
            StringComparison.Ordinal), "Unknown fields are ignored and the order of fields is free"),
        ("writes UUIDs in upper case", said => Uuid().Replace(said, uuid => uuid.Value.ToUpperInvariant()),
            "The id of a plain lobby is a UUID of version 4 or 7"),
    ];

    static int _number;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string> Wrongs => [.. Faults.Select(fault => fault.Wrong)];

    [Fact]
    public async Task Our_server_keeps_every_rule()
    {
        var (code, output, errors) = await RunAsync(server.Server.Url, "--json");
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal([], lines.Where(line => line.Contains("\"passed\":false", StringComparison.Ordinal)));
        Assert.Equal($$"""{"passed":{{RuleBook.All.Count}},"failed":0}""", lines[^1]);
        Assert.Equal(RuleBook.All.Count, lines.Length - 1);
        Assert.Equal((0, ""), (code, errors));
    }

    [Fact]
    public async Task Broken_rule_is_told_to_a_person_and_to_the_shell()
    {
        await using var wrong = FrameProxy.Replacing(
            server.Server.Url, said => said.Replace("unknown_action", "bad_request", StringComparison.Ordinal));
        var (code, output, errors) = await RunAsync(wrong.Url);
        Assert.StartsWith("conclave: trying http", errors, StringComparison.Ordinal);
        Assert.EndsWith("conclave: rules broken: 1\n", errors, StringComparison.Ordinal);
        Assert.Contains("""
            FAIL  5  An unknown action is refused and echoed
                     the code of the answer: expected unknown_action, got bad_request
            pass  5  A refusal has a code and a sentence and nothing that is not documented

            """, output, StringComparison.Ordinal);
        Assert.EndsWith($"{RuleBook.All.Count - 1} rules kept, 1 broken\n", output, StringComparison.Ordinal);
        Assert.Equal(1, code);
    }

    [Theory]
    [MemberData(nameof(Wrongs))]
    public async Task Server_that_is_wrong_in_one_thing_breaks_that_rule(string wrong)
    {
        var (_, change, rule) = Faults.Single(fault => fault.Wrong == wrong);
        await using var proxy = FrameProxy.Replacing(server.Server.Url, change);
        await HoldAsync(proxy.Url, rule);
    }

    [Fact]
    public async Task Replies_out_of_order_are_noticed()
    {
        await using var proxy = new FrameProxy(server.Server.Url, () =>
        {
            RawFrame? first = null;
            return frame =>
            {
                if (frame.Text.StartsWith("{\"id\":0,\"action\":\"get_public_token\"", StringComparison.Ordinal))
                {
                    first = frame;
                    return [];
                }
                RawFrame[] sent = first is null ? [frame] : [frame, first];
                first = null;
                return sent;
            };
        });
        await HoldAsync(proxy.Url, "Replies come in the order of the requests");
    }

    [Fact]
    public async Task Entry_that_is_left_out_is_noticed()
    {
        await using var proxy = new FrameProxy(server.Server.Url, () => frame =>
            frame.Text.StartsWith("{\"event\":\"message\"", StringComparison.Ordinal)
                && frame.Text.Contains("\"seq\":9,", StringComparison.Ordinal) ? [] : [frame]);
        await HoldAsync(
            proxy.Url, "A subscription gets what is stored and then what is live without a seam");
    }

    [Fact]
    public async Task Close_with_another_code_is_noticed()
    {
        await using var proxy = new FrameProxy(server.Server.Url, () => frame =>
            frame.First == RawPeer.Close ? [frame with { Payload = [0x03, 0xE8] }] : [frame]);
        await HoldAsync(proxy.Url, "A binary message closes with 1003");
    }

    [Fact]
    public async Task Server_that_asks_for_a_code_gets_it_from_the_environment()
    {
        await using var closed = await TestServer.StartAsync(
            postgres, registration: Registration.WithCode("open sesame"));
        var (code, _, errors) = await RunAsync(closed.Url);
        Assert.Equal(1, code);
        Assert.Contains("registration_closed", errors, StringComparison.Ordinal);
        await using var ground = await Ground.PrepareAsync(closed.Url, "open sesame", Cancellation);
        Assert.StartsWith("probe-", ground.Alice.Login, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_rule_is_a_sentence_of_its_own()
    {
        Assert.Equal(
            RuleBook.All.Count, RuleBook.All.Select(rule => rule.Sentence).Distinct(StringComparer.Ordinal).Count());
        Assert.All(RuleBook.All, rule => Assert.Contains(' ', rule.Sentence));
    }

    // The rule is broken, and one that has nothing to do with it is not.
    static async Task HoldAsync(Uri url, string broken)
    {
        await using var ground = await Ground.PrepareAsync(url, code: null, Cancellation);
        Assert.NotNull(await RuleBook.All.Single(rule => rule.Sentence == broken).BreachAsync(ground));
        var other = RuleBook.All.Single(rule => rule.Sentence == "A ping is answered with its own bytes");
        Assert.Null(await other.BreachAsync(ground));
    }

    static string Number() => Interlocked.Increment(ref _number).ToString(CultureInfo.InvariantCulture);

    static async Task<(int Code, string Output, string Errors)> RunAsync(Uri url, params string[] options)
    {
        var start = new ProcessStartInfo(
            Transcript.Program, ["probe", url.ToString(), "--lang", "en", .. options])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        using var process = Process.Start(start)!;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        patience.CancelAfter(TimeSpan.FromMinutes(2));
        var output = process.StandardOutput.ReadToEndAsync(patience.Token);
        var errors = process.StandardError.ReadToEndAsync(patience.Token);
        await process.WaitForExitAsync(patience.Token);
        return (process.ExitCode, await output, await errors);
    }

    [GeneratedRegex(@"\.\d{3}Z""", RegexOptions.None, 1000)]
    private static partial Regex Milliseconds();

    [GeneratedRegex("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Uuid();
}
