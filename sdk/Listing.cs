using Conclave.Protocol;

namespace Conclave.Sdk;

/// <summary>Lists that come in pages, each of which goes on after the last one.</summary>
static class Listing
{
    /// <summary>Far more than any server lets anybody have: a list must have an end.</summary>
    const int ItemsMax = 100_000;

    public static async Task<List<OwnLobby>> LobbiesAsync(Link link, CancellationToken cancellationToken)
    {
        List<OwnLobby> lobbies = [];
        MyLobbiesReply page;
        do
        {
            page = await link.AskSignedAsync<MyLobbiesReply>(ActionName.MyLobbies, RequestKind.Ask, json =>
            {
                if (lobbies.Count > 0)
                    json.WriteString("after"u8, lobbies[^1].LobbyName);
            }, cancellationToken).ConfigureAwait(false);
            Add(lobbies, page.Lobbies, lobby => lobby.LobbyName);
        }
        while (page.More && page.Lobbies.Count > 0);
        return lobbies;
    }

    public static async Task<List<Member>> MembersAsync(
        Link link, LobbyRef lobby, CancellationToken cancellationToken)
    {
        List<Member> members = [];
        MembersReply page;
        do
        {
            page = await link.AskSignedAsync<MembersReply>(ActionName.Members, RequestKind.Ask, json =>
            {
                json.WriteLobby(lobby);
                if (members.Count > 0)
                    json.WriteString("after"u8, members[^1].Login);
            }, cancellationToken).ConfigureAwait(false);
            Add(members, page.Members, member => member.Login);
        }
        while (page.More && page.Members.Count > 0);
        return members;
    }

    public static async Task<HistoryPage> HistoryAsync(
        Link link, LobbyRef lobby, PageWanted wanted, CancellationToken cancellationToken)
    {
        var reply = await link.AskSignedAsync<HistoryReply>(ActionName.History, RequestKind.Ask, json =>
        {
            json.WriteLobby(lobby);
            json.WriteNumber("limit"u8, wanted.Limit);
            if (wanted.After is { } first)
                json.WriteNumber("after"u8, first);
            if (wanted.Before is { } last)
                json.WriteNumber("before"u8, last);
            if (wanted.BodyMax is { } bytes)
                json.WriteNumber("body_max"u8, bytes);
        }, cancellationToken).ConfigureAwait(false);
        return new HistoryPage([.. reply.Events.Select(wire => new Entry(wire))], reply.LastSeq, reply.More);
    }

    static void Add<T>(List<T> items, IReadOnlyList<T> page, Func<T, string> key)
    {
        var isSame = items is [.., var last] && page is [.., var end]
            && string.Equals(key(last), key(end), StringComparison.Ordinal);
        if (isSame || items.Count > ItemsMax)
            throw new BrokenServerException("its list does not go on, or has no end");
        items.AddRange(page);
    }
}
