using System.CommandLine;
using Conclave.Client.Texts;
using Conclave.Sdk;

namespace Conclave.Client.Commands;

/// <summary>One command on its way: what was typed, whom it talks to, and where its results go.</summary>
sealed class Visit(ParseResult typed, Frame frame, CancellationToken cancellation)
{
    public Terminal Terminal => frame.Terminal;

    public Language Language => frame.Terminal.Language;

    public Input Input { get; } = new(frame.Terminal.Language);

    /// <summary>The server of <c>--server</c>, or of CONCLAVE_SERVER, or the one on this machine.</summary>
    public Host Host => field ??= new Host(frame.ServerOf(typed), frame.Sessions, Language, Note);

    public bool Json => typed.GetValue(frame.Json);

    public CancellationToken Cancellation { get; } = cancellation;

    public T? Get<T>(Option<T> option) => typed.GetValue(option);

    public T? Get<T>(Argument<T> argument) => typed.GetValue(argument);

    /// <inheritdoc cref="Host.ConnectAsync"/>
    public Task<ConclaveClient> ConnectAsync() => Host.ConnectAsync(Cancellation);

    /// <inheritdoc cref="Host.ConnectSignedInAsync"/>
    public Task<ConclaveClient> ConnectSignedInAsync() => Host.ConnectSignedInAsync(Cancellation);

    /// <summary>Prints a result for programs or for people, as asked.</summary>
    public void Show(Func<string> json, Func<IEnumerable<string>> lines)
    {
        if (Json)
            Terminal.Data(json());
        else
            ShowLines(lines());
    }

    /// <summary>The same for a list: one line of JSON for each item.</summary>
    /// <param name="items">The list.</param>
    /// <param name="json">An item for programs.</param>
    /// <param name="lines">All of them for people.</param>
    /// <param name="none">What a person is told where there is no item; null for nothing.</param>
    public void ShowAll<T>(
        IReadOnlyList<T> items, Func<T, string> json, Func<IReadOnlyList<T>, IEnumerable<string>> lines,
        string? none = null)
    {
        ShowLines(Json ? items.Select(json) : lines(items));
        if (items.Count == 0 && none is not null)
            Note(none);
    }

    /// <summary>Says something to a person; a program that reads JSON has no use for it.</summary>
    public void Note(string text)
    {
        if (!Json)
            Terminal.Note(text);
    }

    /// <summary>
    /// Ends what was shown of a lobby as an alarm if one stands there: what was shown is true, and not all there is.
    /// </summary>
    /// <exception cref="ClientException">One does.</exception>
    public async Task EndAsync(ConclaveClient client, Guid lobbyId, string lobby)
    {
        if (await client.Trust.AlarmAsync(lobbyId, Cancellation) is { } alarm)
            throw AlarmWording.Of(alarm, lobbyId, lobby, Language);
    }

    void ShowLines(IEnumerable<string> lines)
    {
        foreach (var line in lines)
            Terminal.Data(line);
    }
}
