using Conclave.Client.Texts;
using Conclave.Protocol;
using Conclave.Sdk;

namespace Conclave.Client;

/// <summary>Watching a lobby: its entries as they come, and a word when the connection is away.</summary>
static class Follow
{
    /// <summary>Shows entries until <paramref name="cancellation"/>; that is how it ends, not how it fails.</summary>
    /// <param name="client">The client of the subscription.</param>
    /// <param name="subscription">What is watched.</param>
    /// <param name="show">Takes each entry.</param>
    /// <param name="note">Takes what a person at the screen should know.</param>
    /// <param name="say">The words for it.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task RunAsync(
        ConclaveClient client, Subscription subscription, Action<Entry> show, Action<string> note, SayTexts say,
        CancellationToken cancellation)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var hints = TellHintsAsync(client, subscription.LobbyId, note, say, ended.Token);
        try
        {
            await foreach (var entry in subscription.ReadAllAsync(cancellation))
                show(entry);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The person has seen enough.
        }
        finally
        {
            await ended.CancelAsync();
            await hints;
        }
    }

    // Entries come again by themselves once the connection is back; a person at the screen wants to know why none do.
    // And what is on the screen already may have been erased.
    static async Task TellHintsAsync(
        ConclaveClient client, Guid lobbyId, Action<string> note, SayTexts say, CancellationToken ended)
    {
        try
        {
            await foreach (var hint in client.HintsAsync(ended))
            {
                if (hint.Event == ConnectionHint.Lost)
                    note(say.Reconnecting);
                else if (hint.Event == ConnectionHint.Restored)
                    note(say.Reconnected);
                else if (hint is { Event: EventName.MessageDeleted, DeletedSeq: { } seq } && hint.LobbyId == lobbyId)
                    note(say.WasErased(seq));
            }
        }
        catch (OperationCanceledException)
        {
            // The watch has ended.
        }
    }
}
