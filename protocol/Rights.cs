using System.Text.Json;
using System.Text.Json.Serialization;

namespace Conclave.Protocol;

/// <summary>
/// What a member of a lobby may do. The bits are those of a sealed lobby's roster, so one value serves both.
/// <see cref="Read"/> is always in it. On the wire: an array of names in the order of the bits.
/// </summary>
[Flags]
[JsonConverter(typeof(RightsJsonConverter))]
public enum Rights
{
    None = 0,
    Read = 1,
    Write = 2,
    Invite = 4,
    Admin = 8,

    /// <summary>What an invitation without <c>rights</c> grants.</summary>
    Default = Read | Write,

    All = Read | Write | Invite | Admin,
}

/// <summary>The names of the single rights.</summary>
public static class RightName
{
    static readonly (Rights Right, string Name)[] Names =
        [(Rights.Read, "read"), (Rights.Write, "write"), (Rights.Invite, "invite"), (Rights.Admin, "admin")];

    /// <summary>The right with this wire name, or null if there is none.</summary>
    public static Rights? Parse(string? name)
    {
        foreach (var (right, known) in Names)
        {
            if (string.Equals(known, name, StringComparison.Ordinal))
                return right;
        }
        return null;
    }

    /// <summary>The wire names of every single right in <paramref name="rights"/>, in the order of the bits.</summary>
    public static IEnumerable<string> NamesOf(Rights rights) =>
        Names.Where(pair => rights.HasFlag(pair.Right)).Select(pair => pair.Name);
}

sealed class RightsJsonConverter : JsonConverter<Rights>
{
    public override Rights Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
            throw new JsonException("rights is not an array");
        var rights = Rights.None;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            rights |= RightName.Parse(reader.GetString()) ?? throw new JsonException("unknown right");
        return rights;
    }

    public override void Write(Utf8JsonWriter writer, Rights value, JsonSerializerOptions options)
    {
        writer.WriteStartArray();
        foreach (var name in RightName.NamesOf(value))
            writer.WriteStringValue(name);
        writer.WriteEndArray();
    }
}
