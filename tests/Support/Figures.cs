using System.Globalization;

namespace Conclave.Tests.Support;

/// <summary>What a server tells of itself at /metrics.</summary>
static class Figures
{
    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<string> ScrapeAsync(Uri server)
    {
        using var http = new HttpClient();
        return await http.GetStringAsync(new Uri(server, "/metrics"), Cancellation);
    }

    public static async Task<Dictionary<string, double>> ReadAsync(Uri server) => Read(await ScrapeAsync(server));

    /// <summary>Asks again and again until the figures are as they should be.</summary>
    public static async Task UntilAsync(Uri server, Func<Dictionary<string, double>, bool> isSo)
    {
        while (!isSo(await ReadAsync(server)))
            Cancellation.ThrowIfCancellationRequested();
    }

    /// <summary>Each line of Prometheus' text, without what the framework adds to every one.</summary>
    public static Dictionary<string, double> Read(string text)
    {
        Dictionary<string, double> figures = new(StringComparer.Ordinal);
        foreach (var line in text.Split('\n').Where(line => line.Length > 0 && line[0] != '#'))
        {
            var (start, end) = (line.IndexOf('{'), line.IndexOf('}'));
            var labels = start > 0 ? line[(start + 1)..end].Replace("\"", "", StringComparison.Ordinal) : "";
            var own = labels.Split(',', StringSplitOptions.RemoveEmptyEntries)
                .Where(label => !label.StartsWith("otel_scope", StringComparison.Ordinal)).ToArray();
            var name = line.Split('{', ' ')[0] + (own.Length > 0 ? $"{{{string.Join(',', own)}}}" : "");
            var value = line[(start > 0 ? end + 1 : line.IndexOf(' '))..].Trim().Split(' ')[0];
            figures[name] = double.Parse(value, CultureInfo.InvariantCulture);
        }
        return figures;
    }
}
