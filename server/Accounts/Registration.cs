using System.Security.Cryptography;
using System.Text;

namespace Conclave.Server.Accounts;

/// <summary>Who may register: anybody, nobody, or whoever has the operator's code. Keeps only its hash.</summary>
sealed class Registration
{
    readonly byte[]? _codeHash;

    Registration(bool isOpen, byte[]? codeHash)
    {
        IsOpen = isOpen;
        _codeHash = codeHash;
    }

    /// <summary>Anybody may register.</summary>
    public static Registration Open { get; } = new(isOpen: true, codeHash: null);

    /// <summary>Nobody may.</summary>
    public static Registration Closed { get; } = new(isOpen: false, codeHash: null);

    public bool IsOpen { get; }

    /// <summary>Whether a code would help.</summary>
    public bool AsksForCode => _codeHash is not null;

    /// <summary>Whoever has this code may register.</summary>
    public static Registration WithCode(string code) => new(isOpen: false, Hash(code));

    /// <summary>Whether somebody with this code, or null without one, may register.</summary>
    public bool Admits(string? code) =>
        // Hashes have one length, so that the time says nothing of the code's either.
        IsOpen || _codeHash is not null && code is not null
        && CryptographicOperations.FixedTimeEquals(Hash(code), _codeHash);

    static byte[] Hash(string code) => SHA256.HashData(Encoding.UTF8.GetBytes(code));
}
