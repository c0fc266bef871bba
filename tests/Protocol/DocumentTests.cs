using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using Conclave.Protocol;
using Conclave.Tests.Support;

namespace Conclave.Tests.Protocol;

/// <summary>
/// docs/asyncapi.yaml names what there is and nothing else, and is sound in itself. Whether it tells the truth is seen
/// by <see cref="WireRecorder"/>, on whatever the other tests send and receive.
/// </summary>
public sealed class DocumentTests
{
    static readonly WireDocument Document = WireDocument.Current;

    [Fact]
    public void Every_action_is_documented_with_its_request_reply_and_refusal()
    {
        var actions = Constants<string>(typeof(ActionName));
        Assert.Equal(actions, Enum("ActionName"));
        Assert.Equal(actions, Document.NamesOf(".request").Order());
        Assert.Equal(actions, Document.NamesOf(".reply").Order());
        Assert.Equal(actions.Concat(["unknown", "unread"]).Order(), Document.NamesOf(".refusal").Order());
        Assert.Equal(actions, Document.Root["operations"]!.AsObject()
            .Where(operation => operation.Value!["action"]!.GetValue<string>() == "receive")
            .Select(operation => operation.Key).Order());
    }

    [Fact]
    public void Every_event_is_documented_and_sent_by_an_operation()
    {
        var events = Constants<string>(typeof(EventName));
        Assert.Equal(events, Document.NamesOf(".event").Order());
        string[] operations = ["follow", "hint"];
        var sent = operations
            .SelectMany(name => References(Document.Root["operations"]![name]!["messages"]))
            .Select(reference => reference.Split('/')[^1]);
        Assert.Equal(events.Select(name => name + ".event").Order(), sent.Order());
        Assert.Equal(
            References(Document.Root["operations"]!["follow"]!["messages"])
                .Select(message => Resolve(message)["payload"]!["$ref"]!.GetValue<string>()),
            References(Document.Schemas["Entry"]!["oneOf"]));
    }

    [Fact]
    public void Every_code_is_documented_with_its_status()
    {
        Assert.Equal(Constants<string>(typeof(ErrorCode)), Enum("ErrorCode"));
        Assert.Equal(
            Constants<string>(typeof(ErrorCode)).Select(code => (code, ErrorCode.HttpStatus(code))),
            Document.Schemas["ErrorCode"]!["x-http-status"]!.AsObject()
                .Select(line => (line.Key, line.Value!.GetValue<int>())).Order());
        Assert.Equal(Constants<string>(typeof(SessionEnd)), Enum("SessionEnd"));
        Assert.Equal(Constants<string>(typeof(ErasureReason)), Enum("ErasureReason"));
        Assert.Equal(
            Constants<int>(typeof(CloseCode)),
            Document.Root["channels"]!["socket"]!["x-close-codes"]!.AsObject()
                .Select(line => int.Parse(line.Key, CultureInfo.InvariantCulture)).Order());
    }

    [Fact]
    public void Every_reference_leads_somewhere_and_every_schema_is_used()
    {
        var references = Nodes(Document.Root).OfType<JsonObject>()
            .Select(node => node["$ref"]).OfType<JsonValue>()
            .Select(reference => reference.GetValue<string>()).ToHashSet(StringComparer.Ordinal);
        foreach (var reference in references)
            Assert.True(Resolve(reference) is JsonObject, reference);
        Assert.Empty(Document.Schemas.Select(schema => "#/components/schemas/" + schema.Key).Except(references));
        Assert.Empty(Document.Messages.Select(message => "#/channels/socket/messages/" + message.Key)
            .Except(references));
    }

    [Fact]
    public void Every_example_is_what_it_is_an_example_of()
    {
        foreach (var (name, message) in Document.Messages)
        {
            var examples = message!["examples"]?.AsArray() ?? [];
            Assert.True(examples.Count > 0 || name.EndsWith(".refusal", StringComparison.Ordinal), name);
            foreach (var example in examples)
                Assert.Null(Document.FaultOf(name, ElementOf(example!["payload"]!)));
        }
    }

    [Fact]
    public void Fields_nobody_knows_are_ignored_in_requests_and_faults_in_what_the_server_sends()
    {
        foreach (var (name, message) in Document.Messages)
        {
            foreach (var example in message!["examples"]?.AsArray() ?? [])
            {
                var payload = example!["payload"]!.DeepClone();
                payload["surplus"] = 1;
                var isRequest = name.EndsWith(".request", StringComparison.Ordinal);
                Assert.True(isRequest == Document.FaultOf(name, ElementOf(payload)) is null, name);
            }
        }
    }

    static IEnumerable<string> References(JsonNode? list) =>
        list!.AsArray().Select(item => item!["$ref"]!.GetValue<string>());

    static JsonElement ElementOf(JsonNode node) => JsonSerializer.SerializeToElement(node);

    static IEnumerable<string> Enum(string schema) =>
        Document.Schemas[schema]!["enum"]!.AsArray().Select(value => value!.GetValue<string>()).Order();

    static IEnumerable<T> Constants<T>(Type type) => type.GetFields(BindingFlags.Public | BindingFlags.Static)
        .Where(field => field.IsLiteral)
        .Select(field => (T)field.GetRawConstantValue()!).Order();

    static JsonNode Resolve(string reference)
    {
        JsonNode? node = Document.Root;
        foreach (var step in reference.Split('/').Skip(1))
            node = node?[step];
        return node ?? throw new InvalidOperationException($"{reference} leads nowhere");
    }

    static IEnumerable<JsonNode> Nodes(JsonNode? node) => node switch
    {
        JsonObject map => [map, .. map.SelectMany(pair => Nodes(pair.Value))],
        JsonArray list => [list, .. list.SelectMany(Nodes)],
        null => [],
        _ => [node],
    };
}
