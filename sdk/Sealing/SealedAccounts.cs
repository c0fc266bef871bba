using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Conclave.Protocol;
using Conclave.Roster;
using Conclave.Sealing;
using RowVerdict = Conclave.Roster.Verdict;

namespace Conclave.Sdk.Sealing;

/// <summary>
/// Accounts whose password the server never sees (docs/sealing.md, section 3): what is sent is derived from it, and the
/// identity travels in a vault that only the password opens.
/// </summary>
sealed class SealedAccounts(Link link, ConclaveOptions options)
{
    /// <summary>Makes an account with a new identity. Nothing is kept here: signing in opens the vault.</summary>
    public async Task<RegisterReply> RegisterAsync(
        string login, ReadOnlyMemory<byte> password, string? registrationCode, CancellationToken cancellationToken)
    {
        var canonical = Canonical(login);
        using var identity = Identity.Create(canonical);
        var kdf = KdfParameters.Create();
        using var keys = await DeriveAsync(canonical, password, kdf).ConfigureAwait(false);
        return await link.AskAsync<RegisterReply>(ActionName.Register, RequestKind.Once, null, json =>
        {
            json.WriteString("login"u8, canonical);
            json.WriteString("password"u8, keys.Auth());
            WriteKdf(json, kdf);
            WriteIdentity(json, identity.Record);
            json.WriteString("vault"u8, Base64Text.Encode(identity.SealVault(keys.VaultKey)));
            if (registrationCode is not null)
                json.WriteString("registration_code"u8, registrationCode);
        }, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Signs in with what is derived, opens the vault and compares the identity.</summary>
    /// <returns>The reply, and the state of the account with the identity in it.</returns>
    public async Task<(AuthReply Reply, SealedSession Session)> SignInAsync(
        string login, ReadOnlyMemory<byte> password, CancellationToken cancellationToken)
    {
        var canonical = Canonical(login);
        var session = SealedSession.Open(link, options, canonical);
        try
        {
            var kdf = await KdfAsync(session, cancellationToken).ConfigureAwait(false);
            using var keys = await DeriveAsync(canonical, password, kdf).ConfigureAwait(false);
            var reply = await link.AskAsync<AuthReply>(ActionName.Auth, RequestKind.Ask, null, json =>
            {
                json.WriteString("login"u8, canonical);
                json.WriteString("password"u8, keys.Auth());
            }, cancellationToken).ConfigureAwait(false);
            Answered.About(canonical, reply.Login);
            var opened = Identity.OpenVault(
                canonical, keys.VaultKey, SealedSession.Decode(reply.Vault),
                SealedSession.Decode(reply.Identity?.Record), out var identity);
            if (opened != RowVerdict.Accepted)
            {
                throw new AlarmException(
                    opened == RowVerdict.BadIdentity ? AlarmCode.BadIdentity : AlarmCode.BadVault,
                    "The server accepted the password, and gave a vault or an identity that is not yours. It may have "
                    + "swapped them. Do not go on, and ask its operator.")
                { Login = canonical };
            }
            session.Enter(identity!, reply.PublicToken, kdf);
            return (reply, session);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>Sets another password: the same identity in a new vault, in one step.</summary>
    public async Task ChangePasswordAsync(
        SealedSession session, ReadOnlyMemory<byte> oldPassword, ReadOnlyMemory<byte> newPassword,
        CancellationToken cancellationToken)
    {
        var kdf = await KdfAsync(session, cancellationToken).ConfigureAwait(false);
        using var old = await DeriveAsync(session.Login, oldPassword, kdf).ConfigureAwait(false);
        var next = KdfParameters.Create();
        using var keys = await DeriveAsync(session.Login, newPassword, next).ConfigureAwait(false);
        var identity = session.Kept();
        try
        {
            await link.AskSignedAsync<DoneReply>(ActionName.ChangePassword, RequestKind.Once, json =>
            {
                json.WriteString("old_password"u8, old.Auth());
                WriteVault(json, identity, next, keys);
            }, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            identity.Dispose();
            throw;
        }
        session.Enter(identity, session.Me, next);
    }

    /// <summary>
    /// Makes a plain account a sealing one: with the identity that this device still has, or a new one. The server sees
    /// the typed password for the last time.
    /// </summary>
    public async Task SealAsync(
        SealedSession session, ReadOnlyMemory<byte> password, ReadOnlyMemory<byte> newPassword,
        CancellationToken cancellationToken)
    {
        var me = await RequirePlainAsync(cancellationToken).ConfigureAwait(false);
        var identity = session.HasIdentity ? session.Kept() : Identity.Create(session.Login);
        await PutAsync(session, me, identity, (password, newPassword), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// The same with the identity of a recovery code, once it is clear that the account had it: from any other 32 bytes
    /// an identity could be made too.
    /// </summary>
    public async Task RecoverAsync(
        SealedSession session, string code, ReadOnlyMemory<byte> password, ReadOnlyMemory<byte> newPassword,
        CancellationToken cancellationToken)
    {
        var identity = Recovery.Read(session.Login, code);
        try
        {
            var me = await RequirePlainAsync(cancellationToken).ConfigureAwait(false);
            if (!await Recovery.IsOwnAsync(session, me, identity.Record, cancellationToken).ConfigureAwait(false))
                throw Recovery.IsNotTheCode();
            await PutAsync(session, me, identity, (password, newPassword), cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            identity.Dispose();
            throw;
        }
    }

    /// <summary>Puts a new identity in the place of the one that is held here, which signs it.</summary>
    public async Task ResetIdentityAsync(
        SealedSession session, ReadOnlyMemory<byte> password, CancellationToken cancellationToken)
    {
        var kdf = await KdfAsync(session, cancellationToken).ConfigureAwait(false);
        using var keys = await DeriveAsync(session.Login, password, kdf).ConfigureAwait(false);
        using var last = session.Kept();
        var next = Identity.Create(session.Login);
        try
        {
            await link.AskSignedAsync<DoneReply>(ActionName.ResetIdentity, RequestKind.Once, json =>
            {
                json.WriteString("password"u8, keys.Auth());
                WriteIdentity(json, next.Record);
                json.WriteString("succession"u8, Base64Text.Encode(last.SignSuccession(next.Record)));
                json.WriteString("vault"u8, Base64Text.Encode(next.SealVault(keys.VaultKey)));
            }, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            next.Dispose();
            throw;
        }
        session.Enter(next, session.Me, kdf);
    }

    // A recovery and a sealing both end here: the account gets identity, vault and derived password in one step.
    async Task PutAsync(
        SealedSession session, Guid me, Identity identity,
        (ReadOnlyMemory<byte> Old, ReadOnlyMemory<byte> New) passwords, CancellationToken cancellationToken)
    {
        var next = KdfParameters.Create();
        using var keys = await DeriveAsync(session.Login, passwords.New, next).ConfigureAwait(false);
        await link.AskSignedAsync<DoneReply>(ActionName.ChangePassword, RequestKind.Once, json =>
        {
            json.WriteString("old_password"u8, passwords.Old.Span);
            WriteVault(json, identity, next, keys);
            WriteIdentity(json, identity.Record);
        }, cancellationToken).ConfigureAwait(false);
        session.Enter(identity, me, next);
    }

    /// <summary>
    /// Why nothing is sent for an account whose keys are not here. That they never were does not make it a plain one:
    /// it may have been used on another device only. What the server says decides about no more than the words.
    /// </summary>
    public async Task<ConclaveException> LacksIdentityAsync(
        SealedSession session, CancellationToken cancellationToken)
    {
        var who = await link.AskSignedAsync<UserReply>(
            ActionName.Whoami, RequestKind.Ask, _ => { }, cancellationToken).ConfigureAwait(false);
        return session.Accounts.PublicToken() is null && who.Identity is null
            ? IsSaidPlain(session.Login)
            : session.NotHere();
    }

    async Task<Guid> RequirePlainAsync(CancellationToken cancellationToken)
    {
        var who = await link.AskSignedAsync<UserReply>(
            ActionName.Whoami, RequestKind.Ask, _ => { }, cancellationToken).ConfigureAwait(false);
        return who.Identity is null
            ? who.PublicToken
            : throw new InvalidOperationException("The account has an identity already.");
    }

    /// <summary>
    /// How the server says the password is to be stretched, within the bounds below which nothing is derived or sent.
    /// </summary>
    async Task<KdfParameters> KdfAsync(SealedSession session, CancellationToken cancellationToken)
    {
        var reply = await link.AskAsync<KdfReply>(
            ActionName.Kdf, RequestKind.Ask, null, json => json.WriteString("login"u8, session.Login),
            cancellationToken).ConfigureAwait(false);
        if (reply.Kdf is not { } record)
            throw IsSaidPlain(session.Login);
        if (KdfParameters.Accept(
                record.V, SealedSession.Decode(record.Salt), record.Ops, record.Mem, out var kdf) != RowVerdict.Accepted
            || session.Accounts.IsWeakerThanLast(kdf!))
        {
            throw new AlarmException(
                AlarmCode.WeakKdf,
                "The server asks for a derivation of the password that would be too cheap to guess, or absurdly dear. "
                + "Nothing was sent. Ask its operator.")
            { Login = session.Login };
        }
        return kdf!;
    }

    static AlarmException IsSaidPlain(string login) => new(
        AlarmCode.PlainAccount,
        $"The server says that {login} is a plain account, and wants the password as it was typed. Nothing was sent. "
        + "If you made it with a plain client that is so; else do not go on.")
    { Login = login };

    // Argon2id takes its third of a second off the caller's thread.
    static async Task<PasswordKeys> DeriveAsync(string login, ReadOnlyMemory<byte> password, KdfParameters kdf)
    {
        var characters = GC.AllocateArray<char>(Encoding.UTF8.GetCharCount(password.Span), pinned: true);
        try
        {
            Encoding.UTF8.GetChars(password.Span, characters);
            return await Task.Run(() => PasswordKeys.Derive(login, characters, kdf)).ConfigureAwait(false);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(characters.AsSpan()));
        }
    }

    static string Canonical(string login) => Login.Canonical(login)
        ?? throw RefusedException.From(new Refusal(
            ErrorCode.BadRequest, "A login is 1 to 64 of the letters a to z, digits, dots, underscores and hyphens",
            "login"));

    static void WriteVault(Utf8JsonWriter json, Identity identity, KdfParameters kdf, PasswordKeys keys)
    {
        json.WriteString("new_password"u8, keys.Auth());
        WriteKdf(json, kdf);
        json.WriteString("vault"u8, Base64Text.Encode(identity.SealVault(keys.VaultKey)));
    }

    static void WriteIdentity(Utf8JsonWriter json, IdentityRecord record)
    {
        json.WriteStartObject("identity"u8);
        json.WriteString("record"u8, Base64Text.Encode(record.Bytes));
        json.WriteEndObject();
    }

    static void WriteKdf(Utf8JsonWriter json, KdfParameters kdf)
    {
        json.WriteStartObject("kdf"u8);
        json.WriteNumber("v"u8, KdfParameters.Version);
        json.WriteString("salt"u8, Base64Text.Encode(kdf.Salt));
        json.WriteNumber("ops"u8, kdf.Ops);
        json.WriteNumber("mem"u8, kdf.Mem);
        json.WriteEndObject();
    }
}
