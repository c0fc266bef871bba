using System.Text;
using System.Text.Json.Nodes;

namespace Conclave.Tests.Support;

/// <summary>A table of requests and what becomes of them, in one line each.</summary>
static class Outcomes
{
    /// <summary>"ok", or the code of the refusal and the field that it names.</summary>
    public static string Of(JsonObject reply)
    {
        if (reply["ok"]!.GetValue<bool>())
            return "ok";
        var error = reply["error"]!;
        return error["field"] is { } field ? $"{error["code"]} {field}" : error["code"]!.GetValue<string>();
    }

    /// <summary>Sends each request, and says which of them ended otherwise than the table says.</summary>
    public static async Task HoldAsync(WireClient client, IEnumerable<(string Request, string Outcome)> table)
    {
        StringBuilder wrong = new();
        foreach (var (request, expected) in table)
        {
            var outcome = Of(await client.AskAsync(request));
            if (!string.Equals(outcome, expected, StringComparison.Ordinal))
                wrong.AppendLine(null, $"{Short(request)}\n  gives {outcome}, not {expected}");
        }
        Assert.True(wrong.Length == 0, wrong.ToString());
    }

    static string Short(string request) => request.Length <= 300 ? request : request[..300] + "…";
}
