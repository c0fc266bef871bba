using Conclave.Protocol;
using Conclave.Roster;
using Conclave.Server.Storage;

namespace Conclave.Server.Actions;

/// <summary>
/// What a request brings of an account that seals: how its password is stretched, its public identity, its vault. The
/// server checks their forms and can open none of them.
/// </summary>
sealed class SealingForm
{
    const string KdfField = "kdf";
    const string IdentityField = "identity";
    const string VaultField = "vault";

    public KdfParameters? Kdf { get; private init; }

    /// <summary>Not checked yet: a record is valid for one login only.</summary>
    public byte[]? Record { get; private init; }

    public byte[]? Vault { get; private init; }

    /// <summary>Whether none is.</summary>
    public bool IsEmpty => Kdf is null && Record is null && Vault is null;

    public static SealingForm Read(Request request)
    {
        var form = new SealingForm
        {
            Kdf = ReadKdf(request),
            Record = request.Bytes(IdentityField, request.Identity()?.Record),
            Vault = request.Bytes(VaultField),
        };
        if (form.Vault is { } vault)
            request.Hold(VaultField, VaultForm.Check(vault));
        return form;
    }

    /// <summary>An account has all three or none.</summary>
    public void RequireAllOrNone(Request request)
    {
        if (IsEmpty || request.Refusal is not null)
            return;
        Require(request, KdfField, Kdf);
        Require(request, IdentityField, Record);
        Require(request, VaultField, Vault);
    }

    /// <summary>A new identity needs a new vault; the password and how it is stretched stay.</summary>
    public void RequireIdentityAndVault(Request request)
    {
        Require(request, IdentityField, Record);
        Require(request, VaultField, Vault);
    }

    /// <summary>
    /// Whether the record, if there is one, is valid for the login. It takes an encapsulation and a signature to find
    /// out, so not before the request was counted.
    /// </summary>
    public bool TryAccept(string login, out IdentityRecord? identity)
    {
        identity = null;
        return Record is null || IdentityRecord.Accept(login, Record, out identity) == Verdict.Accepted;
    }

    /// <summary>The answer to a record that is not valid, or not here.</summary>
    public static Answer BadIdentity() => Answer.Refuse(SealingRefusal.Of(Verdict.BadIdentity, IdentityField));

    /// <summary>
    /// The field that is missing, or should be, where a password changes: whoever has an identity keeps it, and whoever
    /// has none gets one with all that belongs to it, or none.
    /// </summary>
    public string? FaultInChange(bool isSealing)
    {
        if (IsEmpty && !isSealing)
            return null;
        if (Kdf is null)
            return KdfField;
        if (Vault is null)
            return VaultField;
        return Record is null == isSealing ? null : IdentityField;
    }

    /// <summary>What to store with a new password; null when too many wait for theirs already.</summary>
    public async ValueTask<SealingAccount?> TryLockAsync(
        Person person, byte[] password, IdentityRecord? identity, Turn turn) =>
        await turn.Rooms.Vaults.LockAsync(person.PublicToken, password, Vault, turn.Cancellation) is { } vault
            ? new SealingAccount { Kdf = Kdf!, Vault = vault, Identity = identity }
            : null;

    static KdfParameters? ReadKdf(Request request)
    {
        if (request.Kdf() is not { } kdf || request.Bytes(KdfField, kdf.Salt) is not { } salt)
            return null;
        request.Hold(KdfField, KdfParameters.Accept(kdf.V, salt, kdf.Ops, kdf.Mem, out var parameters));
        return parameters;
    }

    static void Require(Request request, string field, object? value)
    {
        if (value is null)
            request.Reject(field, field + " is required");
    }
}
