using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Conclave.Roster;
using Conclave.Sdk.Sealing;

namespace Conclave.Tests.Sdk.Sealing;

/// <summary>One row of a <see cref="PaperLobby"/>.</summary>
sealed record PaperRow(long Seq, Guid Sender, byte[] RowData, Guid? Nonce, Digest Hash)
{
    public bool IsGone { get; init; }

    public string RowHash => Transcript.RowHash(RowData).ToString();

    /// <summary>The same row with one byte of its envelope or entry changed.</summary>
    public PaperRow Edited(int place)
    {
        var text = Encoding.UTF8.GetString(RowData);
        var start = text.IndexOf(':', StringComparison.Ordinal) + 2;
        var bytes = SealedSession.Decode(text[start..^2]);
        bytes[place] ^= 1;
        return this with { RowData = Encoding.UTF8.GetBytes(text[..start] + Base64Text.Encode(bytes) + "\"}") };
    }
}

/// <summary>
/// A sealed lobby as an honest server keeps it, in memory: the log with its verdicts, the wraps, nothing else. A test
/// makes it lie by changing what it holds, or by a copy of it for somebody.
/// </summary>
sealed class PaperLobby(Guid id, string name)
{
    public Guid Id => id;

    public string Name { get; set; } = name;

    public List<PaperRow> Rows { get; } = [];

    public LobbyLog Log { get; private set; } = LobbyLog.Begin(id);

    public List<(ulong Generation, Digest To, byte[] Wrap)> Wraps { get; } = [];

    public Dictionary<Digest, IdentityRecord> Identities { get; } = [];

    /// <summary>Everything it has, for somebody who is to see another future.</summary>
    public PaperLobby Copy(int rows = int.MaxValue) => Retold(all => all.Take(rows));

    /// <summary>The same lobby with other rows, each in the place where it comes to stand.</summary>
    public PaperLobby Retold(Func<IEnumerable<PaperRow>, IEnumerable<PaperRow>> tell)
    {
        var copy = new PaperLobby(Id, Name);
        foreach (var (fingerprint, identity) in Identities)
            copy.Identities.Add(fingerprint, identity);
        copy.Wraps.AddRange(Wraps);
        foreach (var row in tell(Rows))
        {
            copy.Force(row.Sender, row.RowData, row.Nonce);
            copy.Rows[^1] = copy.Rows[^1] with { IsGone = row.IsGone };
        }
        return copy;
    }

    /// <summary>Judges a row as a server does, and stores it if it is accepted.</summary>
    public (Verdict Verdict, long Seq) Append(Guid sender, byte[] rowData, Guid? nonce)
    {
        if (Rows.Find(row => nonce is not null && row.Sender == sender && row.Nonce == nonce) is { } stored)
            return (Verdict.Accepted, stored.Seq);
        if (Rows.Find(row => row.RowData.AsSpan().SequenceEqual(rowData) && row.Nonce is null) is { } same)
            return (Verdict.Accepted, same.Seq);
        var judgement = Log.Judge(SealedRow.Parse(rowData), sender, Identities);
        return judgement.Verdict == Verdict.Accepted
            ? (Verdict.Accepted, Force(sender, rowData, nonce))
            : (judgement.Verdict, 0);
    }

    /// <summary>Stores a row whatever it is worth.</summary>
    public long Force(Guid sender, byte[] rowData, Guid? nonce)
    {
        var judgement = Log.Judge(SealedRow.Parse(rowData), sender, Identities);
        var kept = Log.Append(judgement);
        Rows.Add(new PaperRow((long)kept.Seq, sender, rowData, nonce, kept.Hash));
        return (long)kept.Seq;
    }

    public string HashAt(long seq) => seq == 0 ? Transcript.Start(Id).ToString() : Rows[(int)seq - 1].Hash.ToString();

    /// <summary>The roster's entries with their places.</summary>
    public IEnumerable<(long Seq, RosterEntry Entry)> Roster() => Rows
        .Select(row => (row.Seq, SealedRow.Parse(row.RowData).Entry!)).Where(row => row.Item2 is not null);

    /// <summary>The event that a row amounts to.</summary>
    public JsonObject Event(PaperRow row, Func<Guid, string> login, int? bodyMax)
    {
        var parsed = SealedRow.Parse(row.RowData);
        var happening = new JsonObject
        {
            ["event"] = Happening(parsed.Entry?.Change),
            ["lobby_id"] = Id.ToString(),
            ["lobby_name"] = Name,
            ["seq"] = row.Seq,
            ["sent_at"] = "2026-11-22T10:00:00.000Z",
            ["from"] = Person(row.Sender, login),
        };
        if (parsed.Entry?.Change is RosterChange.Remove remove)
            happening["member"] = Person(Token(remove.Member), login);
        if (row.Nonce is { } nonce)
            happening["nonce"] = nonce.ToString();
        if (row.IsGone)
        {
            (happening["row_data"], happening["gone"]) = (null, true);
            happening["row_hash"] = parsed.Hash.ToString();
        }
        else if (parsed.Entry is null && row.RowData.Length > bodyMax)
        {
            (happening["omitted"], happening["row_size"]) = (true, row.RowData.Length);
            happening["row_hash"] = parsed.Hash.ToString();
        }
        else
        {
            happening["row_data"] = "@" + Encoding.UTF8.GetString(row.RowData);
        }
        return happening;
    }

    // Whoever had this fingerprint, also if it is no member any more.
    Guid Token(Digest fingerprint) => Roster().Select(row => row.Entry.Change).OfType<RosterChange.Invite>()
        .FirstOrDefault(invite => invite.Member == fingerprint)?.Token ?? default;

    public static JsonObject Person(Guid token, Func<Guid, string> login) =>
        new() { ["login"] = login(token), ["public_token"] = token.ToString() };

    // row_data goes out byte for byte: in the tree it is a text that begins with an at sign.
    public static string Raw(JsonObject tree) => System.Text.RegularExpressions.Regex.Replace(
        tree.ToJsonString(Relaxed), "\"@(?<row>(\\\\.|[^\"\\\\])*)\"",
        match => match.Groups["row"].Value.Replace("\\\"", "\"", StringComparison.Ordinal),
        System.Text.RegularExpressions.RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(10));

    public static readonly JsonSerializerOptions Relaxed =
        new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    static string Happening(RosterChange? change) => change switch
    {
        RosterChange.Create => "lobby_created",
        RosterChange.Invite => "member_invited",
        RosterChange.Remove => "member_removed",
        RosterChange.SetRights => "rights_changed",
        RosterChange.Rotate => "key_rotated",
        RosterChange.Succeed => "identity_succeeded",
        RosterChange.Rename => "lobby_renamed",
        _ => "message",
    };
}
