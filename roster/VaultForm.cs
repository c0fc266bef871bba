// Parameters
//   vault = version 1 (1) || box of the 32 bytes of the seed (104)     105 bytes
namespace Conclave.Roster;

/// <summary>What a server can check of a vault (docs/sealing.md, section 3.2): its form.</summary>
public static class VaultForm
{
    /// <summary>Size of a vault, in bytes.</summary>
    public const int SizeBytes = 105;

    const byte Version = 1;

    /// <summary>
    /// <see cref="Verdict.Accepted"/> for 105 bytes of version 1, else <see cref="Verdict.BadVault"/>.
    /// </summary>
    public static Verdict Check(ReadOnlySpan<byte> vault) =>
        vault.Length == SizeBytes && vault[0] == Version ? Verdict.Accepted : Verdict.BadVault;
}
