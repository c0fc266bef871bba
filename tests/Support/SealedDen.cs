using System.Text;
using System.Text.Json.Nodes;
using Conclave.Roster;
using Conclave.Sealing;

namespace Conclave.Tests.Support;

/// <summary>
/// A sealed lobby as those in it know it: its log, folded by the client's own rules, and its keys. What a server
/// takes in must lead to the same transcript.
/// </summary>
sealed class SealedDen : IDisposable
{
    readonly Dictionary<ulong, GenerationKey> _keys = [];
    readonly Dictionary<Digest, IdentityRecord> _identities = [];

    SealedDen(Guid lobbyId, string name) => (LobbyId, Name, Log) = (lobbyId, name, LobbyLog.Begin(lobbyId));

    public Guid LobbyId { get; }

    public string Name { get; }

    public LobbyLog Log { get; private set; }

    public RosterState Roster => Log.Roster!;

    public GenerationKey Key => _keys[Roster.Generation];

    /// <summary>The fields that name it.</summary>
    public string Where => $"\"lobby_id\":\"{LobbyId}\"";

    /// <summary>A lobby that was not asked for yet, and the request for it.</summary>
    public static (SealedDen Den, RosterEntry Entry, string Request) Draw(
        SealingUser creator, string name, History history = History.All)
    {
        var key = GenerationKey.Create(1);
        var entry = RosterSigner.Create(creator.Identity, creator.Token, history, name, key);
        var den = new SealedDen(SealedLobbyId.Of(entry.Hash), name);
        den._keys[1] = key;
        den.Know(creator.Identity.Record);
        return (den, entry, den.Creation(entry, den.WrapsOf(key, [creator.Identity.Record])));
    }

    public static async Task<SealedDen> CreateAsync(
        SealingUser creator, string name, History history = History.All)
    {
        var (den, entry, request) = Draw(creator, name, history);
        den.Take(creator, SealedRow.AroundEntry(entry), await creator.Client.DoAsync(request));
        return den;
    }

    public string Creation(RosterEntry entry, string wraps) =>
        $$"""
        {"action":"create_lobby","lobby_name":"{{Name}}",
        "sealed":{"roster_entry":"{{Text(entry)}}","key_wraps":{{wraps}}} }
        """;

    /// <summary>The row of a message, sealed as things stand.</summary>
    public byte[] Seal(SealingUser by, string text, Guid id, Seen? seen = null)
    {
        using var content = new TextContent(text).ToContent();
        return Seal(by, content, id, seen);
    }

    public byte[] Seal(SealingUser by, Content content, Guid id, Seen? seen = null) =>
        SealedMessage.Seal(by.Identity, Roster, Key, seen ?? Seen.In(Log), id, content);

    public string Message(byte[] row, Guid id) =>
        $$"""{"action":"message",{{Where}},"row_data":{{Encoding.UTF8.GetString(row)}},"nonce":"{{id}}"}""";

    public Task<JsonObject> PostAsync(SealingUser by, string text) => PostAsync(by, new TextContent(text).ToContent());

    /// <summary>Posts a content, and wipes it.</summary>
    public async Task<JsonObject> PostAsync(SealingUser by, Content content)
    {
        using var wiped = content;
        var id = SealedMessage.NewId();
        var row = Seal(by, content, id);
        return Take(by, row, await by.Client.DoAsync(Message(row, id)));
    }

    public RosterEntry Sign(SealingUser by, RosterChange change) =>
        RosterSigner.Sign(by.Identity, Roster, change);

    public string Invitation(
        SealingUser by, SealingUser member, MemberRights rights = MemberRights.Read | MemberRights.Write)
    {
        Know(member.Identity.Record);
        var entry = Sign(by, new RosterChange.Invite(member.Identity.Fingerprint, member.Token, rights));
        var wrap = Roster.History == History.All
            ? ",\"key_wrap\":" + Json(Key.WrapFor(LobbyId, member.Identity.Record))
            : "";
        return $$"""
            {"action":"invite_lobby",{{Where}},"public_token":"{{member.Token}}","rights":{{Names(rights)}},
            "roster_entry":"{{Text(entry)}}"{{wrap}}}
            """;
    }

    public string Removal(SealingUser by, SealingUser member) =>
        $$"""
        {"action":"remove_member",{{Where}},"public_token":"{{member.Token}}",
        "roster_entry":"{{Text(Sign(by, new RosterChange.Remove(FingerprintOf(member))))}}"}
        """;

    public string RightsChange(SealingUser by, SealingUser member, MemberRights rights) =>
        $$"""
        {"action":"set_rights",{{Where}},"public_token":"{{member.Token}}","rights":{{Names(rights)}},
        "roster_entry":"{{Text(Sign(by, new RosterChange.SetRights(FingerprintOf(member), rights)))}}"}
        """;

    public string Renaming(SealingUser by, string name) =>
        $$"""
        {"action":"rename_lobby",{{Where}},"lobby_name":"{{name}}",
        "roster_entry":"{{Text(Sign(by, new RosterChange.Rename(name)))}}"}
        """;

    public string Rotation(SealingUser by, string? wraps = null)
    {
        var next = _keys[Roster.Generation + 1] = GenerationKey.Create(Roster.Generation + 1);
        var entry = RosterSigner.Rotate(by.Identity, Roster, next, Key);
        return Request(
            "rotate_key", entry, wraps ?? WrapsOf(next, Roster.Members.Values.Select(member => member.Identity)));
    }

    public string Succession(SealingUser by, Identity successor, string wraps = "[]")
    {
        Know(successor.Record);
        return Request("succeed_member", Sign(by, new RosterChange.Succeed(successor.Fingerprint)), wraps);
    }

    public string Request(string action, RosterEntry entry, string wraps = "[]") =>
        $$"""{"action":"{{action}}",{{Where}},"roster_entry":"{{Text(entry)}}","key_wraps":{{wraps}}}""";

    /// <summary>Sends a change of the roster, which must succeed, and takes it in.</summary>
    public async Task<JsonObject> ChangeAsync(SealingUser by, string request)
    {
        Assert.True(Base64Text.TryDecode(
            JsonNode.Parse(request)!["roster_entry"]!.GetValue<string>(), out var entry));
        var row = SealedRow.AroundEntry(SealingVectors.Entry(entry));
        return Take(by, row, await by.Client.DoAsync(request));
    }

    /// <summary>Takes in an event, as a client does.</summary>
    public void Take(JsonObject told)
    {
        Assert.Equal((long)Log.Last.Seq + 1, told["seq"]!.GetValue<long>());
        Take(told["from"]!["public_token"]!.GetValue<Guid>(), Encoding.UTF8.GetBytes(told["row_data"]!.ToJsonString()));
    }

    /// <summary>Takes in what a server said to have stored.</summary>
    public JsonObject Take(SealingUser by, byte[] row, JsonObject reply)
    {
        Take(by.Token, row);
        Assert.Equal((long)Log.Last.Seq, reply["seq"]!.GetValue<long>());
        Assert.Equal(Log.Last.Hash.ToString(), reply["hash"]!.GetValue<string>());
        return reply;
    }

    public string WrapsOf(GenerationKey key, IEnumerable<IdentityRecord> members) =>
        $"[{string.Join(',', members.Select(member => Json(key.WrapFor(LobbyId, member))))}]";

    public void Know(IdentityRecord record) => _identities[record.Fingerprint] = record;

    public GenerationKey KeyOf(ulong generation) => _keys[generation];

    public void Dispose()
    {
        foreach (var key in _keys.Values)
            key.Dispose();
    }

    public static string Text(RosterEntry entry) => Base64Text.Encode(entry.Bytes.Span);

    public static string Json(KeyWrap wrap) =>
        $$"""{"to":"{{wrap.To}}","wrap":"{{Base64Text.Encode(wrap.Wrap.Span)}}"}""";

    static string Names(MemberRights rights)
    {
        var names = Enum.GetValues<MemberRights>()
            .Where(one => one is not (MemberRights.None or MemberRights.All) && rights.HasFlag(one))
            .Select(one => $"\"{one.ToString().ToLowerInvariant()}\"");
        return $"[{string.Join(',', names)}]";
    }

    Digest FingerprintOf(SealingUser member) =>
        Roster.MemberBy(member.Token)?.Identity.Fingerprint ?? member.Identity.Fingerprint;

    void Take(Guid sender, byte[] row)
    {
        var judgement = Log.Judge(SealedRow.Parse(row), sender, _identities);
        Assert.Equal(Verdict.Accepted, judgement.Verdict);
        Log.Append(judgement);
    }
}
