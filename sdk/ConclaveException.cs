using Conclave.Protocol;

namespace Conclave.Sdk;

/// <summary>
/// Everything that can go wrong between a client and its server. The message says what happened and what to do next,
/// and never holds a password, a token or anything a lobby keeps.
/// </summary>
public abstract class ConclaveException : Exception
{
    private protected ConclaveException(string message, Exception? inner = null) : base(message, inner)
    {
    }
}

/// <summary>The server understood the request and said no. Trying the same again will not help by itself.</summary>
public class RefusedException : ConclaveException
{
    internal RefusedException(Refusal refusal, Exception? inner = null) : base(Text(refusal), inner)
    {
        Code = refusal.Code;
        Field = refusal.Field;
        Trace = refusal.Trace;
        RetryAfter = refusal.RetryAfterMs is { } wait ? TimeSpan.FromMilliseconds(wait) : null;
    }

    /// <summary>What programs decide by: one of <see cref="ErrorCode"/>, or one that a newer server added.</summary>
    public string Code { get; }

    /// <summary>The field of the request that is at fault; null if it is not one field.</summary>
    public string? Field { get; }

    /// <summary>How long to wait before trying again; null if waiting does not help.</summary>
    public TimeSpan? RetryAfter { get; }

    /// <summary>
    /// Of <see cref="ErrorCode.Internal"/>: what to give the operator to find it in the server's log.
    /// </summary>
    public string? Trace { get; }

    internal static RefusedException From(Refusal refusal, Exception? inner = null) =>
        refusal.Code == ErrorCode.LogChanged ? new LogChangedException(refusal) : new RefusedException(refusal, inner);

    static string Text(Refusal refusal)
    {
        var next = refusal.Code switch
        {
            ErrorCode.BadToken => " Sign in again.",
            ErrorCode.LogChanged => " Read the lobby again from the beginning.",
            ErrorCode.RateLimited or ErrorCode.Busy when refusal.RetryAfterMs is { } wait =>
                string.Create(null, $" Try again in {Math.Max(1, (wait + 999) / 1000)} s."),
            ErrorCode.UnknownOutcome => " Repeat it with the same nonce.",
            ErrorCode.Internal when refusal.Trace is { } trace => $" Give the operator this trace: {trace}.",
            _ => "",
        };
        return $"{refusal.Message.TrimEnd('.')}.{next}";
    }
}

/// <summary>
/// A position in a lobby's log means nothing any more: the operator restored a backup, so that the log after it may
/// be another one. What was read before may not be there; read the lobby again from the beginning.
/// </summary>
public sealed class LogChangedException : RefusedException
{
    internal LogChangedException(Refusal refusal) : base(refusal)
    {
    }
}

/// <summary>
/// No answer: the server cannot be reached, does not answer in time, or closed the connection for good. A request that
/// changes something may have taken effect; repeat it with the same nonce to be sure.
/// </summary>
public sealed class DisconnectedException : ConclaveException
{
    internal DisconnectedException(string message, Exception? inner = null, int? closeCode = null)
        : base(message, inner) => CloseCode = closeCode;

    /// <summary>Why the server closed, one of <see cref="Protocol.CloseCode"/>; null if it did not say.</summary>
    public int? CloseCode { get; }
}

/// <summary>
/// The signed-in user was removed from the lobby, or left it. Nothing after <see cref="Seq"/> can be read until
/// somebody invites the user again; then subscribe again from there.
/// </summary>
public sealed class RemovedException : ConclaveException
{
    internal RemovedException(Guid lobbyId, string lobbyName, long seq)
        : base($"You are no longer a member of {lobbyName}. Ask one of its members to invite you again.")
    {
        LobbyId = lobbyId;
        Seq = seq;
    }

    public Guid LobbyId { get; }

    /// <summary>The place in the log of the entry that ended the membership.</summary>
    public long Seq { get; }
}

/// <summary>
/// The server said what no server of this protocol says: a frame that cannot be read, an entry out of its place.
/// Nothing that followed was shown. Check that the address is right and tell the operator.
/// </summary>
public sealed class BrokenServerException : ConclaveException
{
    internal BrokenServerException(string message, Exception? inner = null)
        : base($"The server breaks the protocol: {message}. Check its address, or tell its operator.", inner)
    {
    }
}

/// <summary>
/// Something that the server showed failed verification: it lies, or somebody else does, or it has lost what it had.
/// Nothing was posted and nothing false shown. <see cref="Code"/> says what happened; people decide what to do.
/// </summary>
public sealed class AlarmException : ConclaveException
{
    internal AlarmException(string code, string message) : base(message) => Code = code;

    /// <summary>
    /// One of <see cref="AlarmCode"/>, or the code of docs/sealing.md for a check that no entry of an honest server
    /// fails.
    /// </summary>
    public string Code { get; }

    /// <summary>The lobby it happened in; null if in none.</summary>
    public Guid? LobbyId { get; internal init; }

    /// <summary>The place in its log; null if it is not about one.</summary>
    public long? Seq { get; internal init; }

    /// <summary>Whose key it is about; null if it is not about one.</summary>
    public string? Login { get; internal init; }
}

/// <summary>What an <see cref="AlarmException"/> can be about, beside single entries.</summary>
public static class AlarmCode
{
    /// <summary>Somebody has another key than before; see <see cref="Trust.AcceptNewKeyAsync"/>.</summary>
    public const string KeyChanged = "key_changed";

    /// <summary>The server shows less of a lobby than it had shown.</summary>
    public const string Rollback = "rollback";

    /// <summary>The server shows another history of a lobby than it had shown, here or to somebody else.</summary>
    public const string Fork = "fork";

    /// <summary>At the place of what this client posted stands something else.</summary>
    public const string Rewritten = "rewritten";

    /// <summary>A lobby's name leads to another lobby than before, or to one that never bore it.</summary>
    public const string NameMoved = "name_moved";

    /// <summary>The lobby is not sealed, and nobody has said that it is to be plain.</summary>
    public const string NotDeclaredPlain = "not_declared_plain";

    /// <summary>The server says that the account is plain, and wants the password as it was typed.</summary>
    public const string PlainAccount = "plain_account";

    /// <summary>
    /// The server asks for a derivation of the password that would be cheap to guess, or absurdly dear.
    /// </summary>
    public const string WeakKdf = "weak_kdf";

    /// <summary>An identity is not what it must be.</summary>
    public const string BadIdentity = "bad_identity";

    /// <summary>
    /// A file does not consist of what it names: whoever posted it made it so, a piece was erased, or the server has
    /// taken one out.
    /// </summary>
    public const string TornFile = "torn_file";

    /// <summary>The vault that the server gave does not open with the password it accepted.</summary>
    public const string BadVault = "bad_vault";
}

/// <summary>The file that a sealing client keeps its state in cannot be used. The message says why.</summary>
public sealed class StateException : ConclaveException
{
    internal StateException(string message, Exception? inner = null) : base(message, inner)
    {
    }
}

/// <summary>Somebody else's version came first: nothing of one's own counts. Read it, and decide again.</summary>
public sealed class ConflictException : ConclaveException
{
    internal ConflictException(string name, long seq)
        : base($"Somebody else has changed {name} meanwhile. Read it again, and decide.") => Seq = seq;

    /// <summary>The place in the log of the version that counts.</summary>
    public long Seq { get; }
}
