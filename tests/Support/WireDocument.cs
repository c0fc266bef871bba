using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Conclave.Tests.Support;

/// <summary>docs/asyncapi.yaml: what it names, and whether something on the wire is as it says.</summary>
sealed partial class WireDocument
{
    const string SchemasAt = "#/components/schemas/";

    readonly SchemaSet _schemas;

    WireDocument(JsonObject root)
    {
        Root = root;
        _schemas = new SchemaSet(SchemasAt, JsonSerializer.SerializeToElement(Schemas));
    }

    public static WireDocument Current { get; } = Read();

    /// <summary>The whole document.</summary>
    public JsonObject Root { get; }

    public JsonObject Schemas => Root["components"]!["schemas"]!.AsObject();

    public JsonObject Messages => Root["channels"]!["socket"]!["messages"]!.AsObject();

    /// <summary>The names before this ending of all messages that have it, as "ping" is of "ping.request".</summary>
    public IEnumerable<string> NamesOf(string ending) => Messages.Select(message => message.Key)
        .Where(name => name.EndsWith(ending, StringComparison.Ordinal))
        .Select(name => name[..^ending.Length]);

    /// <summary>What is not as the document says; null if all is.</summary>
    public string? FaultOf(string message, JsonElement payload)
    {
        if (!Messages.ContainsKey(message))
            return $"docs/asyncapi.yaml has no message {message}";
        var faults = _schemas.FaultsOf(Messages[message]!["payload"]!["$ref"]!.GetValue<string>(), payload);
        return faults.Count == 0
            ? null
            : $"docs/asyncapi.yaml has another {message}: {string.Join("; ", faults.Take(5))}";
    }

    static WireDocument Read()
    {
        using var reader = File.OpenText(Path.Combine(AppContext.BaseDirectory, "asyncapi.yaml"));
        var yaml = new YamlStream();
        yaml.Load(reader);
        return new WireDocument(JsonOf(yaml.Documents[0].RootNode)!.AsObject());
    }

    static JsonNode? JsonOf(YamlNode node) => node switch
    {
        YamlMappingNode map => new JsonObject(map.Children.Select(
            pair => KeyValuePair.Create(((YamlScalarNode)pair.Key).Value!, JsonOf(pair.Value)))),
        YamlSequenceNode list => new JsonArray([.. list.Children.Select(JsonOf)]),
        YamlScalarNode { Style: ScalarStyle.Plain, Value: "null" } => null,
        YamlScalarNode { Style: ScalarStyle.Plain, Value: { } plain } when Literal().IsMatch(plain) =>
            JsonNode.Parse(plain),
        YamlScalarNode text => JsonValue.Create(text.Value),
        _ => throw new InvalidOperationException($"a node of kind {node.NodeType}"),
    };

    [GeneratedRegex("""^(true|false|-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?)$""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Literal();
}
