using Conclave.Protocol;

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

    /// <summary>The server cannot be reached, or cannot serve now. Trying again later can help.</summary>
    public const int Network = 8;

    public const int RateLimited = 9;

    /// <summary>Interrupted by Ctrl-C, as shells count it: 128 + SIGINT.</summary>
    public const int Interrupted = 130;

    /// <summary>The exit code for a refusal of the server.</summary>
    /// <param name="errorCode">One of <see cref="ErrorCode"/>, or one of a newer server.</param>
    public static int Of(string errorCode) => errorCode switch
    {
        ErrorCode.BadRequest => Usage,
        ErrorCode.BadToken or ErrorCode.BadCredentials => NotSignedIn,
        ErrorCode.Forbidden or ErrorCode.RegistrationClosed => Denied,
        ErrorCode.NoSuchUser or ErrorCode.NoSuchLobby or ErrorCode.NoSuchMessage => NotFound,
        ErrorCode.LoginTaken or ErrorCode.LobbyNameTaken or ErrorCode.AlreadyMember or ErrorCode.NotAMember
            or ErrorCode.LastAdmin or ErrorCode.NonceReused or ErrorCode.LogChanged or ErrorCode.Limit => Conflict,
        ErrorCode.RateLimited => RateLimited,
        ErrorCode.Busy or ErrorCode.UnknownOutcome => Network,
        _ => Error,
    };
}
