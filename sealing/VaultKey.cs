namespace Conclave.Sealing;

/// <summary>Opens one account's vault; derived from the password by <see cref="PasswordKeys"/>.</summary>
public sealed class VaultKey : IDisposable
{
    readonly SecretBytes _bytes;

    internal VaultKey(SecretBytes bytes) => _bytes = bytes;

    internal ReadOnlySpan<byte> Bytes => _bytes.Span;

    /// <summary>Wipes it.</summary>
    public void Dispose() => _bytes.Dispose();

    /// <summary>The name of the type, and nothing else.</summary>
    public override string ToString() => nameof(VaultKey);
}
