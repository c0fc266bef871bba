using Conclave.Server;
using Conclave.Server.Accounts;
using Conclave.Server.Storage;
using Conclave.Tests.Support;

namespace Conclave.Tests.Server.Actions;

/// <summary>Who may register: everybody, nobody, or whoever has the code.</summary>
public sealed class RegistrationTests(PostgresCluster postgres)
{
    const string Code = "сезам, откройся";

    [Fact]
    public async Task Registration_is_open_closed_or_by_code()
    {
        const string Asked = "registration_closed registration_code";
        (Registration Mode, string Code, string Outcome)[] table =
        [
            (Registration.Open, "", "ok"),
            (Registration.Open, ",\"registration_code\":\"whatever\"", "ok"),
            (Registration.Open, ",\"registration_code\":7", "bad_request registration_code"),
            (Registration.Closed, "", "registration_closed"),
            (Registration.Closed, $",\"registration_code\":\"{Code}\"", "registration_closed"),
            (Registration.WithCode(Code), "", Asked),
            (Registration.WithCode(Code), ",\"registration_code\":\"\"", Asked),
            (Registration.WithCode(Code), $",\"registration_code\":\"{Code} \"", Asked),
            (Registration.WithCode(Code), $",\"registration_code\":\"{Code}\"", "ok"),
        ];
        foreach (var mode in table.GroupBy(row => row.Mode))
        {
            await using var server = await TestServer.StartAsync(postgres, registration: mode.Key);
            await using var client = await server.ConnectAsync();
            await Outcomes.HoldAsync(client, mode.Select((row, number) => (
                $$"""{"action":"register","login":"user{{number}}","password":"a good one"{{row.Code}}}""",
                row.Outcome)));
        }
    }

    [Fact]
    public void Mode_and_code_come_from_the_environment_and_a_mistake_never_opens()
    {
        var file = Path.GetTempFileName();
        File.WriteAllText(file, Code + "\n");
        var empty = Path.GetTempFileName();
        (string? Mode, string? File, string Outcome)[] table =
        [
            (null, null, "open"),
            ("open", null, "open"),
            ("closed", null, "closed"),
            ("code", file, "code"),
            (null, file, "code"),
            ("code", null, "needs CONCLAVE_REGISTRATION_CODE_FILE"),
            ("open", file, "goes with"),
            ("closed", file, "goes with"),
            ("OPEN", null, "must be open, closed or code"),
            ("code", empty, "no registration code"),
            ("code", "/nowhere", "cannot be read"),
        ];
        foreach (var (mode, path, outcome) in table)
            Assert.Contains(outcome, OutcomeOf(mode, path), StringComparison.Ordinal);
        File.Delete(file);
        File.Delete(empty);
    }

    static string OutcomeOf(string? mode, string? file)
    {
        try
        {
            var read = Settings.Read(name => name switch
            {
                "CONCLAVE_REGISTRATION" => mode,
                "CONCLAVE_REGISTRATION_CODE_FILE" => file,
                _ => null,
            }).Registration;
            Assert.Equal(read.AsksForCode || read.IsOpen, read.Admits(Code));
            Assert.False(read.AsksForCode && read.Admits(null));
            return read.IsOpen ? "open" : read.AsksForCode ? "code" : "closed";
        }
        catch (StartupException refused)
        {
            Assert.DoesNotContain(Code, refused.Message, StringComparison.Ordinal);
            return refused.Message;
        }
    }
}
