using System.Net;
using Conclave.Server.Storage;

namespace Conclave.Server;

/// <summary>
/// Whose pages may speak to this server from a browser. A browser lets any page open a WebSocket to anywhere and sends
/// the page's Origin with it, so it is for the server to turn others' pages away. What sends no Origin is no browser.
/// </summary>
sealed class Origins
{
    readonly HashSet<Origin> _known;

    Origins(HashSet<Origin> known) => _known = known;

    /// <summary>None but the server's own.</summary>
    public static Origins Own { get; } = new([]);

    /// <summary>Reads CONCLAVE_ORIGINS: origins such as https://app.example, separated by ; .</summary>
    /// <exception cref="StartupException">One of them is none.</exception>
    public static Origins Read(string origins)
    {
        HashSet<Origin> known = [];
        foreach (var text in origins.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            known.Add(Origin.Of(text) ?? throw new StartupException(
                $"CONCLAVE_ORIGINS: {text} is not an origin such as https://app.example or http://127.0.0.1:8080"));
        }
        return new(known);
    }

    /// <summary>Whether a request may come in, as far as its Origin goes.</summary>
    public bool Admit(HttpRequest request)
    {
        var sent = request.Headers.Origin;
        if (sent.Count == 0)
            return true;
        return sent.Count == 1
            && Origin.Of(sent[0]) is { } origin
            && (_known.Contains(origin) || IsOwn(origin, request));
    }

    // A page whose name was made to point here (DNS rebinding) names us as its own host, too. TLS proves the name, an
    // address cannot be made to point elsewhere; any other name that comes in clear text must be configured.
    static bool IsOwn(Origin origin, HttpRequest request) =>
        Origin.Of($"{origin.Scheme}://{request.Host.Value}") == origin
        && (request.IsHttps
            ? origin.Scheme == Uri.UriSchemeHttps
            : origin.Host == "localhost" || IPAddress.TryParse(origin.Host, out _));

    /// <summary>What a browser takes for one owner: scheme, host and port together.</summary>
    sealed record Origin(string Scheme, string Host, int Port)
    {
        public static Origin? Of(string? text) =>
            Uri.TryCreate(text, UriKind.Absolute, out var uri)
            && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps)
            && uri is { UserInfo: "", PathAndQuery: "/", Fragment: "" }
                ? new(uri.Scheme, uri.IdnHost, uri.Port)
                : null;
    }
}
