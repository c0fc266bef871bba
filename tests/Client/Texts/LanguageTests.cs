using System.Reflection;
using Conclave.Client.Texts;
using Conclave.Protocol;
using Conclave.Sdk;

namespace Conclave.Tests.Client.Texts;

public sealed class LanguageTests
{
    public static TheoryData<string> Names => [.. Language.All.Select(language => language.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_text_is_there(string name)
    {
        var texts = TextsOf(Language.Find(name)!).ToList();
        Assert.True(texts.Count > 150);
        Assert.All(texts, text => Assert.False(string.IsNullOrWhiteSpace(text.Value), text.Key));
    }

    [Fact]
    public void Every_text_is_there_in_the_same_places_in_every_language()
    {
        var first = TextsOf(Language.All[0]).Select(text => text.Key).Order(StringComparer.Ordinal).ToList();
        Assert.All(
            Language.All, language =>
                Assert.Equal(first, TextsOf(language).Select(text => text.Key).Order(StringComparer.Ordinal)));
    }

    [Fact]
    public void A_text_was_translated_and_not_copied()
    {
        var english = TextsOf(English.Language).ToDictionary(StringComparer.Ordinal);
        var same = TextsOf(Russian.Language).Where(text => english[text.Key] == text.Value).Select(text => text.Key);
        Assert.Equal(["Say.LobbyId"], same);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_error_code_has_its_words(string name)
    {
        var codes = typeof(ErrorCode).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(field => (string)field.GetValue(null)!);
        var known = Language.Find(name)!.Errors.ByCode.Keys;
        Assert.Equal(codes.Order(StringComparer.Ordinal), known.Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Errors_begin_small_and_end_without_a_full_stop(string name)
    {
        foreach (var (code, text) in Language.Find(name)!.Errors.ByCode)
        {
            Assert.All([text.What, text.Hint], part =>
            {
                Assert.False(char.IsUpper(part[0]), code);
                Assert.False(part.EndsWith('.'), code);
            });
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_alarm_says_what_happened_what_it_may_mean_and_what_to_do(string name)
    {
        var codes = typeof(AlarmCode).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(field => (string)field.GetValue(null)!);
        var alarms = Language.Find(name)!.Alarms;
        Assert.Equal(codes.Order(StringComparer.Ordinal), alarms.ByCode.Keys.Order(StringComparer.Ordinal));
        foreach (var (code, text) in alarms.ByCode.Append(new("an entry's", alarms.OfEntry("bad_signature"))))
        {
            Assert.All([text.What, text.Meaning, text.Hint], part =>
            {
                Assert.False(char.IsUpper(part[0]), code);
                Assert.False(part.EndsWith('.'), code);
            });
        }
    }

    [Theory]
    [InlineData("ru_RU.UTF-8", null, null, "ru")]
    [InlineData(null, "ru", "en_US.UTF-8", "ru")]
    [InlineData(null, null, "ru_UA", "ru")]
    [InlineData("C", "ru_RU.UTF-8", "ru_RU.UTF-8", "en")]
    [InlineData("", "", "de_DE.UTF-8", "en")]
    [InlineData(null, null, null, "en")]
    public void Language_is_that_of_the_locale(string? all, string? messages, string? lang, string name)
    {
        var environment = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["LC_ALL"] = all,
            ["LC_MESSAGES"] = messages,
            ["LANG"] = lang,
        };
        Assert.Equal(name, Language.OfLocale(variable => environment[variable]).Name);
    }

    // Every text with its path; a text with gaps is filled with marks, all of which must be seen in it.
    static IEnumerable<KeyValuePair<string, string>> TextsOf(Language language) =>
        new[]
        {
            nameof(Language.Say), nameof(Language.Errors), nameof(Language.Help), nameof(Language.Menu),
            nameof(Language.Alarms), nameof(Language.Seal), nameof(Language.SealHelp), nameof(Language.SealMenu),
        }
        .SelectMany(part => TextsOf(part, typeof(Language).GetProperty(part)!.GetValue(language)!));

    static IEnumerable<KeyValuePair<string, string>> TextsOf(string path, object value) => value switch
    {
        string text => [new(path, text)],
        Delegate function => TextsOf(path, Filled(path, function)),
        IReadOnlyDictionary<string, ErrorText> byCode =>
            byCode.SelectMany(pair => TextsOf($"{path}.{pair.Key}", pair.Value)),
        IReadOnlyDictionary<string, AlarmText> byCode =>
            byCode.SelectMany(pair => TextsOf($"{path}.{pair.Key}", pair.Value)),
        _ => value.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .SelectMany(property => TextsOf($"{path}.{property.Name}", property.GetValue(value)!)),
    };

    static object Filled(string path, Delegate function)
    {
        var marks = function.Method.GetParameters()
            .Select((gap, index) => gap.ParameterType == typeof(long) ? (object)(7001L + index) : $"mark{index}")
            .ToArray();
        var filled = function.DynamicInvoke(marks)!;
        var text = string.Join(' ', TextsOf(path, filled).Select(pair => pair.Value));
        Assert.All(marks, mark => Assert.Contains(mark.ToString()!, text, StringComparison.Ordinal));
        return filled;
    }
}
