using System.Reflection;
using Conclave.Client;
using Conclave.Protocol;

namespace Conclave.Tests.Client;

public sealed class ExitCodeTests
{
    public static TheoryData<string> Codes =>
        [.. typeof(ErrorCode).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(code => (string)code.GetValue(null)!)];

    [Theory]
    [InlineData(ErrorCode.BadRequest, 2)]
    [InlineData(ErrorCode.BadToken, 3)]
    [InlineData(ErrorCode.BadCredentials, 3)]
    [InlineData(ErrorCode.Forbidden, 4)]
    [InlineData(ErrorCode.NoSuchUser, 5)]
    [InlineData(ErrorCode.NoSuchLobby, 5)]
    [InlineData(ErrorCode.NoSuchMessage, 5)]
    [InlineData(ErrorCode.LoginTaken, 6)]
    [InlineData(ErrorCode.LobbyNameTaken, 6)]
    [InlineData(ErrorCode.AlreadyMember, 6)]
    [InlineData(ErrorCode.NotAMember, 6)]
    [InlineData(ErrorCode.LastAdmin, 6)]
    [InlineData(ErrorCode.NonceReused, 6)]
    [InlineData(ErrorCode.LogChanged, 6)]
    [InlineData(ErrorCode.Limit, 6)]
    [InlineData(ErrorCode.Busy, 8)]
    [InlineData(ErrorCode.UnknownOutcome, 8)]
    [InlineData(ErrorCode.RateLimited, 9)]
    [InlineData(ErrorCode.RosterConflict, 6)]
    [InlineData(ErrorCode.StaleKey, 6)]
    [InlineData(ErrorCode.Fork, 7)]
    [InlineData(ErrorCode.Replay, 7)]
    [InlineData("plain_account", 6)]
    [InlineData("no_key", 8)]
    [InlineData("no_identity", 3)]
    [InlineData(ErrorCode.Internal, 1)]
    [InlineData("of_a_newer_server", 1)]
    public void Refusal_has_its_exit_code(string errorCode, int exitCode) =>
        Assert.Equal(exitCode, ExitCode.Of(errorCode));

    [Theory]
    [MemberData(nameof(Codes))]
    public void No_refusal_passes_for_success(string errorCode) => Assert.NotEqual(ExitCode.Ok, ExitCode.Of(errorCode));
}
