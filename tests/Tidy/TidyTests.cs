using Rule = System.Func<Conclave.Tests.Tidy.SourceFile, System.Collections.Generic.IEnumerable<string>>;

namespace Conclave.Tests.Tidy;

/// <summary>The rules of the house that no analyzer keeps, over every file; and each is seen to notice.</summary>
public sealed class TidyTests
{
    static readonly Dictionary<string, Rule> Rules = new Rule[]
    {
        TextRules.LineIsAtMost120Columns,
        TextRules.FileIsAtMost400Lines,
        TextRules.FileIsAtMost1MiB,
        TextRules.NoRegion,
        TextRules.NothingLeftToDo,
        TextRules.NoConflictMarker,
        TextRules.SuppressionHasReason,
        TextRules.NameSaysSomething,
        TextRules.TestDoesNotSleep,
        TextRules.NoRegistryIsNamed,
        SqlRules.SqlIsInStorage,
        SqlRules.SqlIsConstant,
        ArrowRules.ProjectKnowsOnlyWhatItMay,
        ArrowRules.ProjectStandsInItsOwnFolder,
        ArrowRules.RoomIsOnTheList,
        ArrowRules.RoomKnowsOnlyWhatItMay,
        ArrowRules.ServerIsBlind,
        ArrowRules.RoomIsOpenedFileByFile,
    }.ToDictionary(rule => rule.Method.Name);

    // Each breaks its rule. In pieces where the file itself would break it.
    static readonly (Rule Rule, string Path, string Text)[] Broken =
    [
        (TextRules.LineIsAtMost120Columns, "server/Long.cs", new string('я', 121)),
        (TextRules.LineIsAtMost120Columns, "Makefile", new string('x', 121)),
        (TextRules.FileIsAtMost400Lines, "server/Long.cs", new string('\n', 400) + "}"),
        (TextRules.FileIsAtMost1MiB, "docs/large.md", new string('x', (1 << 20) + 1)),
        (TextRules.NoRegion, "sdk/Parts.cs", "    #" + "region Private parts"),
        (TextRules.NothingLeftToDo, "docs/plan.md", "TO" + "DO: think"),
        (TextRules.NoConflictMarker, "server/Both.cs", "<<<<<<" + "< HEAD"),
        (TextRules.SuppressionHasReason, "server/Quiet.cs", "#pragma warning disable CA1031"),
        (TextRules.NameSaysSomething, "server/Storage/Sql" + "Helper.cs", ""),
        (TextRules.NameSaysSomething, "server/Storage/Rows.cs", "sealed class Row" + "Manager(int a);"),
        (TextRules.NameSaysSomething, "server/Storage/Rows.cs", "readonly record struct " + "CommonRow(int A);"),
        (TextRules.TestDoesNotSleep, "tests/Server/SlowTests.cs", "await Task" + ".Delay(patience, time);"),
        (TextRules.TestDoesNotSleep, "tests/Server/SlowTests.cs", "Thread" + ".Sleep(1);"),
        (TextRules.NoRegistryIsNamed, "client/nuget.config", "https://api.nuget" + ".org/v3/index.json"),
        (SqlRules.SqlIsInStorage, "server/Actions/Message.cs", "var sql = \"SELECT 1\";"),
        (SqlRules.SqlIsInStorage, "server/Writing/Batch.cs", "    INSERT INTO entries (seq)"),
        (SqlRules.SqlIsConstant, "server/Storage/Users.cs", "var sql = $\"SELECT id FROM users WHERE id = {id}\";"),
        (SqlRules.SqlIsConstant, "server/Storage/Users.cs", "$\"\"\"\n    UPDATE users SET a = {a}\n    \"\"\""),
        (SqlRules.SqlIsConstant, "server/Storage/Users.cs", "\"SELECT id FROM users WHERE login = \" + login"),
        (SqlRules.SqlIsConstant, "server/Storage/Users.cs", "\"\"\"\n    DELETE FROM users\n    \"\"\" + where"),
        (ArrowRules.ProjectKnowsOnlyWhatItMay, "server/Server.csproj",
            """<Project><ItemGroup><ProjectReference Include="../sealing/Sealing.csproj" /></ItemGroup></Project>"""),
        (ArrowRules.ProjectStandsInItsOwnFolder, "server/Storage/Storage.csproj", "<Project />"),
        (ArrowRules.ProjectStandsInItsOwnFolder, "src/Src.csproj", "<Project />"),
        (ArrowRules.RoomIsOnTheList, "server/Services/Thing.cs", ""),
        (ArrowRules.RoomKnowsOnlyWhatItMay, "server/Storage/Users.cs", "using Conclave.Server.Lobbies;"),
        (ArrowRules.RoomKnowsOnlyWhatItMay, "server/Lobbies/Tail.cs", "Conclave.Server.Connections.Connection? owner;"),
        (ArrowRules.RoomKnowsOnlyWhatItMay, "server/Lobbies/Tail.cs", "    readonly Connections.Connection _owner;"),
        (ArrowRules.RoomKnowsOnlyWhatItMay, "server/Connections/A.cs", "using static Conclave.Server.Storage.Users;"),
        (ArrowRules.ServerIsBlind, "server/Writing/Peek.cs", "using Conclave.Sealing;"),
        (ArrowRules.RoomIsOpenedFileByFile, "server/Program.cs", "global using Conclave.Server.Storage;"),
        (ArrowRules.RoomIsOpenedFileByFile, "server/Server.csproj", "<Using Include=\"Conclave.Server.Storage\" />"),
    ];

    public static TheoryData<string> RuleNames => [.. Rules.Keys];

    public static TheoryData<int> BrokenNumbers => [.. Enumerable.Range(0, Broken.Length)];

    [Theory, MemberData(nameof(RuleNames))]
    public void Rule_holds_in_every_file(string rule)
    {
        var broken = string.Join('\n',
            from file in SourceFile.All
            from line in Rules[rule](file)
            select $"{file.Path}: {line.Trim()}");
        Assert.True(broken.Length == 0, broken);
    }

    [Theory, MemberData(nameof(BrokenNumbers))]
    public void Rule_notices_what_breaks_it(int number)
    {
        var (rule, path, text) = Broken[number];
        Assert.NotEmpty(rule(new SourceFile(path, text)));
    }

    [Fact]
    public void Every_rule_was_seen_to_notice() =>
        Assert.Equal(Rules.Keys.Order(), Broken.Select(broken => broken.Rule.Method.Name).Distinct().Order());

    [Fact]
    public void Image_is_built_of_all_that_the_server_is_built_of()
    {
        string[] needed = ["server", .. Referenced("server/Server.csproj")];
        var copied = Lines("Dockerfile");
        var letIn = Lines(".dockerignore");

        Assert.Contains("roster", needed);
        Assert.All(needed, folder =>
        {
            Assert.Contains($"COPY {folder} {folder}", copied);
            Assert.Contains($"!{folder}", letIn);
        });

        static string[] Lines(string path) => File.ReadAllLines(Path.Combine(SourceFile.Root(), path));

        static IEnumerable<string> Referenced(string project) => Lines(project)
            .Where(line => line.Contains("<ProjectReference", StringComparison.Ordinal))
            .Select(line => line.Split("../")[1].Split('/')[0]);
    }

    [Fact]
    public void Every_project_locks_its_packages()
    {
        var files = SourceFile.All.Select(file => file.Path).ToHashSet();
        var projects = files.Where(path => path.EndsWith(".csproj", StringComparison.Ordinal)).ToArray();

        Assert.NotEmpty(projects);
        Assert.All(projects, path => Assert.Contains($"{Path.GetDirectoryName(path)}/packages.lock.json", files));
    }
}
