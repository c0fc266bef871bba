using System.Text;
using System.Text.Json;
using Conclave.Protocol;
using CsCheck;

namespace Conclave.Tests.Protocol;

/// <summary>Reading a request agrees with a plainly right reader, whatever the bytes.</summary>
public sealed class RequestTests
{
    static readonly Gen<string> Scalars = Pick(
        "0", "-0", "1.5", "1e999", "01", "1.", "-", "+1", "123456789012345678901234567890", "true", "false", "null",
        "nul", "NaN", "\"\"", "\"a\"", "\"\\u0061\"", "\"\\ud83d\\ude00\"", "\"\\ud83d\"", "\"\\udc00\\ud800\"",
        "\"\\u00\"", "\"\\x\"", "\"\\\"", "\"\u0000\"", "\"ж😀\"", "\"\\\\ud800\"", "\"\\/\\b\\f\\n\\r\\t\"",
        "\"\n\"", "");

    static readonly Gen<string> Blanks = Pick("", "", "", " ", "\n", "\t ", "\r\n", "\f", "\u00A0", "/**/");

    static readonly Gen<string> Keys = Pick(
        "\"row_data\"", "\"row_data\"", "\"row\\u005fdata\"", "\"action\"", "\"\\u0061ction\"", "\"a\"", "\"\\u0061\"",
        "\"b\"", "\"ж\"", "\"\\u0436\"", "\"\"", "\"\\ud800\"", "\"A\"", "b");

    static readonly Gen<string> Values = Gen.Recursive<string>((depth, inner) => depth > 4
        ? Scalars
        : Gen.Frequency(
            (3, Scalars),
            (1, Gen.Select(inner.Array[0, 3], Blanks, (items, blank) =>
                $"[{blank}{string.Join(blank + "," + blank, items)}{blank}]")),
            (1, Gen.Select(Gen.Select(Keys, inner).Array[0, 3], Blanks, (items, blank) => Object(items, blank)))));

    static readonly Gen<string> Requests = Gen.Select(
        Gen.Select(Keys, Values).Array[0, 20], Blanks, Blanks, Pick("", "", "", "", "}", "x", "{}", ","),
        (items, blank, before, after) => before + Object(items, blank) + before + after);

    [Fact]
    public void Request_is_read_exactly_if_it_is_one_object_without_a_key_twice() => Requests.Sample(text =>
    {
        var request = Request.Read(Encoding.UTF8.GetBytes(text));
        Assert.Equal(IsRequest(text), request is not null);
    }, iter: 20_000);

    [Fact]
    public void Row_data_is_the_very_bytes_of_its_value() => Values.Sample(value =>
    {
        var request = Request.Read(Encoding.UTF8.GetBytes("{\"action\":\"a\",\"row_data\" : " + value + " }"));
        if (request is null)
            return;
        var rowData = request.RowData();
        if (request.Refusal is { Field: "row_data" })
            Assert.True(HasHalfAPair(value), value);
        else
            Assert.Equal(value.Trim(' ', '\n', '\r', '\t'), Encoding.UTF8.GetString(rowData.Utf8.Span));
    }, iter: 20_000);

    [Fact]
    public void Whatever_the_text_reading_it_does_not_throw()
    {
        Gen.String.Sample(text => Touch(text), iter: 5000);
        Gen.Select(Requests, Gen.Int[0, 1000], Gen.Char).Sample(
            (text, place, letter) => Touch(text.Insert(place % (text.Length + 1), letter.ToString())), iter: 20_000);
    }

    static Gen<string> Pick(params string[] texts) => Gen.OneOf(Array.ConvertAll(texts, text => Gen.Const(text)));

    static void Touch(string text)
    {
        if (Request.Read(Encoding.UTF8.GetBytes(text)) is not { } request)
            return;
        request.Login();
        request.Lobby();
        request.Rights();
        request.Nonce();
        request.Integer("after", 0, 5);
        request.OptionalText("a");
        _ = request.RowData();
        _ = request.Token;
    }

    static string Object((string Key, string Value)[] items, string blank) =>
        $"{{{blank}{string.Join($"{blank},{blank}", items.Select(item => $"{item.Key}{blank}:{item.Value}"))}{blank}}}";

    // By the library's own document, which keeps every key: the plainly right way, at the cost of a tree.
    static bool IsRequest(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(
                text, new JsonDocumentOptions { MaxDepth = 1000, AllowDuplicateProperties = true });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                return false;
            HashSet<string> names = new(StringComparer.Ordinal);
            return document.RootElement.EnumerateObject().All(field => names.Add(field.Name));
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            // The latter: a key that is no text, half of a surrogate pair.
            return false;
        }
    }

    static bool HasHalfAPair(string json)
    {
        for (var index = 0; index < json.Length; index++)
        {
            if (json[index] != '\\')
                continue;
            if (json[++index] != 'u')
                continue;
            var isHigh = Half(json, index - 1, "89ab");
            var isLow = Half(json, index - 1, "cdef");
            if (isLow || isHigh && !Half(json, index + 5, "cdef"))
                return true;
            if (isHigh)
                index += 6;
        }
        return false;
    }

    static bool Half(string json, int place, string digits) =>
        json.Length >= place + 6 && json[place] == '\\' && json[place + 1] == 'u'
        && char.ToLowerInvariant(json[place + 2]) == 'd'
        && digits.Contains(json[place + 3], StringComparison.OrdinalIgnoreCase);
}
