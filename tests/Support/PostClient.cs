using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace Conclave.Tests.Support;

/// <summary>A foreign client by plain HTTP, with nothing of ours in between.</summary>
sealed class PostClient : IDisposable
{
    readonly HttpClient _http;

    public PostClient(Uri server) => _http = new HttpClient { BaseAddress = server };

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async Task<HttpResponseMessage> SendAsync(HttpContent body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api") { Content = body };
        return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
    }

    public Task<HttpResponseMessage> SendAsync(string request) =>
        SendAsync(new StringContent(request, Encoding.UTF8, "application/json"));

    /// <summary>Sends a request; returns the status and the reply.</summary>
    public async Task<(int Status, JsonObject Reply)> AskAsync(string request)
    {
        using var response = await SendAsync(request);
        return await ReadAsync(response, Encoding.UTF8.GetBytes(request));
    }

    /// <summary>Sends a request, and says in one line what became of it: "200 ok", or "409 login_taken".</summary>
    public async Task<string> OutcomeAsync(string request)
    {
        var (status, reply) = await AskAsync(request);
        return string.Create(CultureInfo.InvariantCulture, $"{status} {Outcomes.Of(reply)}");
    }

    public static async Task<(int Status, JsonObject Reply)> ReadAsync(
        HttpResponseMessage response, byte[]? request = null)
    {
        Assert.Equal(new MediaTypeHeaderValue("application/json"), response.Content.Headers.ContentType);
        var body = await response.Content.ReadAsByteArrayAsync(Cancellation);
        var recorder = new WireRecorder();
        recorder.Sent(request ?? []);
        recorder.Received(body);
        var reply = JsonNode.Parse(body)!.AsObject();
        return ((int)response.StatusCode, reply);
    }

    /// <summary>Sends a request with another method, or with a body of another type; returns the status.</summary>
    public async Task<int> StatusAsync(HttpMethod method, string? contentType = null)
    {
        using var request = new HttpRequestMessage(method, "/api");
        if (contentType is not null)
        {
            request.Content = new StringContent("""{"action":"ping"}""");
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        }
        using var response = await _http.SendAsync(request, Cancellation);
        return (int)response.StatusCode;
    }

    public void Dispose() => _http.Dispose();
}
