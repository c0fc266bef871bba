using System.Text.Json;
using System.Text.RegularExpressions;

namespace Conclave.Tests.Support;

/// <summary>
/// Schemas that refer to each other, in the part of JSON Schema 2020-12 that docs/asyncapi.yaml uses. A keyword it does
/// not know is an error, so that nothing in the document goes unchecked (docs/decisions/0014). Compiled once: a check
/// costs little more than reading the value.
/// </summary>
sealed class SchemaSet
{
    readonly Dictionary<string, Check> _schemas = new(StringComparer.Ordinal);

    /// <param name="at">What the references begin with.</param>
    /// <param name="schemas">Every schema, by its name.</param>
    public SchemaSet(string at, JsonElement schemas)
    {
        foreach (var schema in schemas.EnumerateObject())
            _schemas.Add(at + schema.Name, Compile(schema.Value));
    }

    delegate void Check(JsonElement value, string path, List<string> faults);

    /// <summary>What in the value is not as the schema behind a reference says.</summary>
    public List<string> FaultsOf(string reference, JsonElement value)
    {
        List<string> faults = [];
        _schemas[reference](value, "", faults);
        return faults;
    }

    Check Compile(JsonElement schema)
    {
        Check[] checks = [.. schema.EnumerateObject().Select(keyword => Compile(keyword, schema)).OfType<Check>()];
        return (value, path, faults) =>
        {
            foreach (var check in checks)
                check(value, path, faults);
        };
    }

    Check? Compile(JsonProperty keyword, JsonElement schema) => keyword.Name switch
    {
        "description" or "examples" or "default" or "format" or "then" or ['x', '-', ..] => null,
        "$ref" => Reference(keyword.Value.GetString()!),
        "type" => Type(keyword.Value),
        "const" => Must(value => JsonElement.DeepEquals(value, keyword.Value), $"is not {keyword.Value}"),
        "enum" => Enum(keyword.Value),
        "pattern" => Pattern(keyword.Value.GetString()!),
        "minLength" => Text(keyword, (length, limit) => length >= limit),
        "maxLength" => Text(keyword, (length, limit) => length <= limit),
        "minimum" => Number(keyword, (number, limit) => number >= limit),
        "maximum" => Number(keyword, (number, limit) => number <= limit),
        "minItems" => Array(keyword, (count, limit) => count >= limit),
        "maxItems" => Array(keyword, (count, limit) => count <= limit),
        "uniqueItems" => Must(
            value => value.ValueKind != JsonValueKind.Array
                || value.EnumerateArray().DistinctBy(item => item.GetRawText()).Count() == value.GetArrayLength(),
            "has an item twice"),
        "items" => Items(Compile(keyword.Value), from: PrefixOf(schema).Length),
        "prefixItems" => Prefix([.. PrefixOf(schema).Select(Compile)]),
        "required" => Required([.. keyword.Value.EnumerateArray().Select(name => name.GetString()!)]),
        "properties" => Properties(keyword.Value),
        "additionalProperties" when !keyword.Value.GetBoolean() => Closed(schema.GetProperty("properties")),
        "allOf" => All([.. keyword.Value.EnumerateArray().Select(Compile)]),
        "anyOf" => Some([.. keyword.Value.EnumerateArray().Select(Compile)], most: int.MaxValue),
        "oneOf" => Some([.. keyword.Value.EnumerateArray().Select(Compile)], most: 1),
        "not" => Not(Compile(keyword.Value)),
        "if" => If(Compile(keyword.Value), Compile(schema.GetProperty("then"))),
        var name => throw new NotSupportedException($"the keyword {name} is not known to {nameof(SchemaSet)}"),
    };

    Check Reference(string reference) => (value, path, faults) => _schemas[reference](value, path, faults);

    static Check Must(Func<JsonElement, bool> condition, string otherwise) => (value, path, faults) =>
    {
        if (!condition(value))
            faults.Add($"{path} {otherwise}");
    };

    static Check Type(JsonElement type)
    {
        string[] types = type.ValueKind == JsonValueKind.String
            ? [type.GetString()!]
            : [.. type.EnumerateArray().Select(name => name.GetString()!)];
        return Must(value => types.Any(name => Is(value, name)), $"is no {string.Join(" and no ", types)}");
    }

    static bool Is(JsonElement value, string type) => type switch
    {
        "object" => value.ValueKind == JsonValueKind.Object,
        "array" => value.ValueKind == JsonValueKind.Array,
        "string" => value.ValueKind == JsonValueKind.String,
        "number" => value.ValueKind == JsonValueKind.Number,
        "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _),
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "null" => value.ValueKind == JsonValueKind.Null,
        _ => throw new NotSupportedException($"there is no type {type}"),
    };

    static Check Enum(JsonElement values)
    {
        var known = values.EnumerateArray().ToList();
        return Must(value => known.Exists(one => JsonElement.DeepEquals(one, value)), "is none of those there are");
    }

    static Check Pattern(string pattern)
    {
        var regex = new Regex(pattern, RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1));
        return Must(
            value => value.ValueKind != JsonValueKind.String || regex.IsMatch(value.GetString()!),
            $"does not match {pattern}");
    }

    static Check Text(JsonProperty keyword, Func<int, int, bool> holds)
    {
        var limit = keyword.Value.GetInt32();
        return Must(
            value => value.ValueKind != JsonValueKind.String
                || holds(value.GetString()!.EnumerateRunes().Count(), limit),
            $"breaks {keyword}");
    }

    static Check Number(JsonProperty keyword, Func<double, double, bool> holds)
    {
        var limit = keyword.Value.GetDouble();
        return Must(
            value => value.ValueKind != JsonValueKind.Number || holds(value.GetDouble(), limit), $"breaks {keyword}");
    }

    static Check Array(JsonProperty keyword, Func<int, int, bool> holds)
    {
        var limit = keyword.Value.GetInt32();
        return Must(
            value => value.ValueKind != JsonValueKind.Array || holds(value.GetArrayLength(), limit),
            $"breaks {keyword}");
    }

    static JsonElement[] PrefixOf(JsonElement schema) =>
        schema.TryGetProperty("prefixItems", out var prefix) ? [.. prefix.EnumerateArray()] : [];

    static Check Items(Check check, int from) => (value, path, faults) =>
    {
        if (value.ValueKind != JsonValueKind.Array)
            return;
        foreach (var (index, item) in value.EnumerateArray().Index().Skip(from))
            check(item, $"{path}/{index}", faults);
    };

    static Check Prefix(Check[] checks) => (value, path, faults) =>
    {
        if (value.ValueKind != JsonValueKind.Array)
            return;
        foreach (var (check, item) in checks.Zip(value.EnumerateArray()))
            check(item, path, faults);
    };

    static Check Required(string[] names) => (value, path, faults) =>
    {
        if (value.ValueKind == JsonValueKind.Object)
        {
            faults.AddRange(
                names.Where(name => !value.TryGetProperty(name, out _)).Select(name => $"{path} lacks {name}"));
        }
    };

    Check Properties(JsonElement properties)
    {
        var checks = properties.EnumerateObject().Select(property => (property.Name, Check: Compile(property.Value)))
            .ToArray();
        return (value, path, faults) =>
        {
            if (value.ValueKind != JsonValueKind.Object)
                return;
            foreach (var (name, check) in checks)
            {
                if (value.TryGetProperty(name, out var property))
                    check(property, $"{path}/{name}", faults);
            }
        };
    }

    static Check Closed(JsonElement properties)
    {
        var known = properties.EnumerateObject().Select(property => property.Name).ToHashSet(StringComparer.Ordinal);
        return (value, path, faults) =>
        {
            if (value.ValueKind != JsonValueKind.Object)
                return;
            faults.AddRange(value.EnumerateObject().Where(property => !known.Contains(property.Name))
                .Select(property => $"{path} has {property.Name}, which is not documented"));
        };
    }

    static Check All(Check[] checks) => (value, path, faults) =>
    {
        foreach (var check in checks)
            check(value, path, faults);
    };

    static Check Some(Check[] checks, int most) => (value, path, faults) =>
    {
        List<string> others = [];
        var fitting = 0;
        foreach (var check in checks)
        {
            List<string> own = [];
            check(value, path, own);
            fitting += own.Count == 0 ? 1 : 0;
            others.AddRange(own);
        }
        if (fitting == 0)
            faults.AddRange(others);
        else if (fitting > most)
            faults.Add($"{path} fits {fitting} alternatives");
    };

    static Check Not(Check check) => (value, path, faults) =>
    {
        List<string> own = [];
        check(value, path, own);
        if (own.Count == 0)
            faults.Add($"{path} is what it must not be");
    };

    static Check If(Check condition, Check then) => (value, path, faults) =>
    {
        List<string> own = [];
        condition(value, path, own);
        if (own.Count == 0)
            then(value, path, faults);
    };
}
