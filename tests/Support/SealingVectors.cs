using System.Text;
using System.Text.Json;
using Conclave.Roster;
using Conclave.Sealing;

namespace Conclave.Tests.Support;

/// <summary>
/// The published vectors of the sealing protocol (tests/Vectors/sealing-vectors.json): the file, and the people,
/// rosters and keys that it is about.
/// </summary>
static class SealingVectors
{
    public const string Main = "main";
    public const string FromJoin = "from_join";

    /// <summary>Seq of the last row of the published log.</summary>
    public const int StreamRows = 20;

    static readonly Lazy<JsonDocument> File = new(() => JsonDocument.Parse(
        System.IO.File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Vectors", "sealing-vectors.json"))));

    static readonly Lazy<Dictionary<string, Identity>> Seeds = new(() => All("identities").EnumerateObject()
        .ToDictionary(person => person.Name, person => Identity.FromSeed(
            person.Value.Text("login"), person.Value.Bytes("seed"))));

    static readonly Lazy<Dictionary<string, List<RosterState?>>> Folded = new(() => All("rosters").EnumerateObject()
        .ToDictionary(roster => roster.Name, roster => Fold(roster.Value.GetProperty("entries"))));

    /// <summary>The six identities at hand, by their names in the file.</summary>
    public static Dictionary<string, Identity> People => Seeds.Value;

    /// <summary>Their records by fingerprint.</summary>
    public static Dictionary<Digest, IdentityRecord> Records { get; } =
        People.Values.ToDictionary(person => person.Fingerprint, person => person.Record);

    public static JsonElement All(string section) => File.Value.RootElement.GetProperty(section);

    /// <summary>Names of the negative vectors of these kinds, which are the names of tests.</summary>
    public static TheoryData<string> Negative(params string[] kinds) =>
        [.. All("negative").EnumerateArray().Where(vector => kinds.Contains(vector.Text("op")))
            .Select(vector => vector.Text("name"))];

    public static JsonElement NegativeNamed(string name) =>
        All("negative").EnumerateArray().Single(vector => vector.Text("name") == name);

    public static RosterState? StateAt(string roster, int height) => Folded.Value[roster][height];

    public static RosterState LastState(string roster) => Folded.Value[roster][^1]!;

    public static Guid Token(string person) => All("identities").GetProperty(person).Uuid("public_token");

    /// <summary>K_g of the main lobby, for the caller to dispose.</summary>
    public static GenerationKey Key(int generation)
    {
        var key = All("keys").GetProperty("K")[generation - 1].Bytes("K");
        Assert.Equal(
            Verdict.Accepted,
            GenerationKey.Import(LastState(Main), (ulong)generation, key, out var imported));
        return imported!;
    }

    public static KeyRing Keys(int without = 0)
    {
        var ring = new KeyRing();
        for (var generation = 1; generation <= All("keys").GetProperty("K").GetArrayLength(); generation++)
        {
            if (generation != without)
            {
                ring.Add(Key(generation));
            }
        }

        return ring;
    }

    /// <summary>A receiver of the main lobby that has taken in the first rows of the published log.</summary>
    public static LobbyLog Receiver(int rows, params int[] tombstones)
    {
        var log = LobbyLog.Begin(LastState(Main).LobbyId);
        foreach (var row in All("stream").EnumerateArray().Take(rows))
        {
            var seq = row.GetProperty("seq").GetInt32();
            if (tombstones.Contains(seq))
            {
                log.AppendTombstone(row.Uuid("token"), row.Digest("row_hash"));
                continue;
            }

            var judgement = log.Judge(row.Row(), row.Uuid("token"), Records);
            Assert.Equal(Verdict.Accepted, judgement.Verdict);
            log.Append(judgement);
        }

        return log;
    }

    public static RosterEntry Entry(ReadOnlyMemory<byte> bytes)
    {
        Assert.Equal(Verdict.Accepted, RosterEntry.Parse(bytes, out var entry));
        return entry!;
    }

    /// <summary>Parses and applies, as one verdict.</summary>
    public static Verdict Apply(RosterState? state, ReadOnlyMemory<byte> bytes, out RosterState? next)
    {
        next = null;
        var form = RosterEntry.Parse(bytes, out var entry);
        return entry is null ? form : RosterState.Apply(state, entry, Records, out next);
    }

    /// <summary>The name that the file has for a verdict.</summary>
    public static string Name(Verdict verdict) =>
        verdict == Verdict.Accepted ? "accepted" : VerdictCode.Of(verdict);

    public static string Text(this JsonElement element, string name) => element.GetProperty(name).GetString()!;

    public static byte[] Bytes(this JsonElement element, string name) => element.GetProperty(name).Bytes();

    public static byte[] Bytes(this JsonElement element)
    {
        Assert.True(Base64Text.TryDecode(element.GetString(), out var bytes));
        return bytes;
    }

    public static Digest Digest(this JsonElement element, string name) => new(element.Bytes(name));

    public static Guid Uuid(this JsonElement element, string name) => element.GetProperty(name).GetGuid();

    public static SealedRow Row(this JsonElement element, string name = "row_data_utf8") =>
        SealedRow.Parse(Encoding.UTF8.GetBytes(element.Text(name)));

    static List<RosterState?> Fold(JsonElement entries)
    {
        List<RosterState?> states = [null];
        foreach (var entry in entries.EnumerateArray())
        {
            Assert.Equal(Verdict.Accepted, Apply(states[^1], entry.Bytes("entry"), out var next));
            states.Add(next);
        }

        return states;
    }
}
