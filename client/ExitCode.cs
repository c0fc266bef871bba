using Conclave.Protocol;
using Conclave.Sdk;

namespace Conclave.Client;

/// <summary>How the program ends, for scripts. The meaning of a number never changes.</summary>
static class ExitCode
{
    public const int Ok = 0;
    public const int Error = 1;

    /// <summary>The command line, or a value on it, is not as it should be.</summary>
    public const int Usage = 2;

    public const int NotSignedIn = 3;
    public const int Denied = 4;
    public const int NotFound = 5;
    public const int Conflict = 6;

    /// <summary>
    /// Something failed verification: the server lies, or somebody else does, or it has lost what it had. Scripts
    /// should stop and call a person.
    /// </summary>
    public const int Alarm = 7;

    /// <summary>The server cannot be reached, or cannot serve now. Trying again later can help.</summary>
    public const int Network = 8;

    public const int RateLimited = 9;

    /// <summary>Interrupted by Ctrl-C, as shells count it: 128 + SIGINT.</summary>
    public const int Interrupted = 130;

    // Refusals that the client makes by itself.
    const string NoKey = "no_key";
    const string NoIdentity = "no_identity";
    const string BadRecoveryCode = "bad_recovery_code";
    const string FormerIdentity = "former_identity";

    /// <summary>The exit code for a refusal of the server.</summary>
    /// <param name="errorCode">One of <see cref="ErrorCode"/>, or one of a newer server.</param>
    public static int Of(string errorCode) => errorCode switch
    {
        ErrorCode.BadRequest => Usage,
        ErrorCode.BadToken or ErrorCode.BadCredentials or NoIdentity or BadRecoveryCode => NotSignedIn,
        ErrorCode.Forbidden or ErrorCode.RegistrationClosed or FormerIdentity => Denied,
        ErrorCode.NoSuchUser or ErrorCode.NoSuchLobby or ErrorCode.NoSuchMessage => NotFound,
        ErrorCode.LoginTaken or ErrorCode.LobbyNameTaken or ErrorCode.AlreadyMember or ErrorCode.NotAMember
            or ErrorCode.LastAdmin or ErrorCode.NonceReused or ErrorCode.LogChanged or ErrorCode.Limit
            or ErrorCode.RosterConflict or ErrorCode.StaleRoster or ErrorCode.StaleKey or ErrorCode.StaleTranscript
            or AlarmCode.PlainAccount => Conflict,
        ErrorCode.Fork or ErrorCode.Replay => Alarm,
        // Nobody has handed over the key yet: a member who does can connect any time.
        ErrorCode.RateLimited => RateLimited,
        ErrorCode.Busy or ErrorCode.UnknownOutcome or NoKey => Network,
        _ => Error,
    };
}
