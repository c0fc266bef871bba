namespace Conclave.Protocol;

/// <summary>
/// What sealing adds to requests (docs/sealing.md, section 7.1). Each is null if the request has none.
/// </summary>
public static class SealedRequest
{
    /// <summary>The parameters of the password's derivation.</summary>
    public static KdfRecord? Kdf(this Request request) => request.Part<KdfRecord>("kdf");

    /// <summary>A public identity.</summary>
    public static IdentityPart? Identity(this Request request) => request.Part<IdentityPart>("identity");

    /// <summary>What makes a new lobby a sealed one.</summary>
    public static SealedCreation? Sealed(this Request request) => request.Part<SealedCreation>("sealed");

    /// <summary>A key for one member.</summary>
    public static KeyWrapPart? KeyWrap(this Request request) => request.Part<KeyWrapPart>("key_wrap");

    /// <summary>A key for each of several members.</summary>
    public static IReadOnlyList<KeyWrapPart?>? KeyWraps(this Request request) =>
        request.Part<IReadOnlyList<KeyWrapPart>>("key_wraps");

    /// <summary>Keys of several generations for one member.</summary>
    public static IReadOnlyList<GenerationWrap?>? GenerationWraps(this Request request) =>
        request.Part<IReadOnlyList<GenerationWrap>>("key_wraps");
}
