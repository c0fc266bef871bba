using System.Text.Json;

namespace Conclave.Client.Probe;

/// <summary>What a rule expects; anything else breaks it.</summary>
static class Expect
{
    const int ShownMax = 300;

    public static void Equal<T>(T expected, T actual, string what)
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual))
            throw new BrokenRuleException($"{what}: expected {Shown(expected)}, got {Shown(actual)}");
    }

    public static void Sequence<T>(IEnumerable<T> expected, IEnumerable<T> actual, string what) =>
        Equal(string.Join(", ", expected), string.Join(", ", actual), what);

    public static void True(bool condition, string otherwise)
    {
        if (!condition)
            throw new BrokenRuleException(otherwise);
    }

    /// <summary>Refused with this code, and because of this field if one is named.</summary>
    public static void Refused(Said reply, string code, string? field = null)
    {
        Equal(code, reply.IsOk ? "ok" : reply.Code, "the code of the answer");
        if (field is not null)
            Equal(field, reply.Field, "the field that is named");
    }

    public static void Time(JsonElement value, string what) => True(
        value.ValueKind == JsonValueKind.String && Forms.Time().IsMatch(value.GetString()!),
        $"{what} is no time in UTC with milliseconds: {Shown(value)}");

    public static void Uuid(JsonElement value, string versions, string what) => True(
        value.ValueKind == JsonValueKind.String && Forms.Uuid().Match(value.GetString()!) is { Success: true } uuid
            && versions.Contains(uuid.Groups["version"].Value, StringComparison.Ordinal),
        $"{what} is no UUID in lower case of version {versions}: {Shown(value)}");

    public static string Shown<T>(T value)
    {
        var text = value?.ToString() ?? "null";
        return text.Length <= ShownMax ? text : text[..ShownMax] + "…";
    }
}
