using System.Text;
using System.Text.Json.Nodes;
using Conclave.Roster;
using Conclave.Sealing;
using Conclave.Tests.Support;
using Npgsql;

namespace Conclave.Tests.Server.Actions;

/// <summary>Accounts with an identity: what the server keeps for them, tells of them, and refuses.</summary>
public sealed class SealingAccountTests(SharedServer server) : IClassFixture<SharedServer>
{
    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Client_that_has_only_the_password_gets_its_identity_back()
    {
        await using var client = await server.ConnectAsync();
        var login = server.Fresh("user");
        Assert.Equal(
            Verdict.Accepted,
            KdfParameters.Accept(1, new byte[16], KdfParameters.OpsMin, KdfParameters.MemMin, out var kdf));
        using var keys = PasswordKeys.Derive(login, "пароль", kdf!);
        using var identity = Identity.Create(login);
        var vault = identity.SealVault(keys.VaultKey);
        await client.DoAsync(
            $$"""
            {"action":"register","login":"{{login}}","password":"{{keys.Auth()}}",
            "kdf":{"v":1,"salt":"{{Base64Text.Encode(kdf!.Salt)}}","ops":{{kdf.Ops}},"mem":{{kdf.Mem}}},
            "identity":{"record":"{{Base64Text.Encode(identity.Record.Bytes)}}"},"vault":"{{Base64Text.Encode(vault)}}"}
            """);

        var told = (await client.DoAsync($$"""{"action":"kdf","login":"{{login}}"}"""))["kdf"]!;
        Assert.Equal(
            $$"""{"v":1,"salt":"AAAAAAAAAAAAAAAAAAAAAA","ops":3,"mem":65536}""", told.ToJsonString());
        var signedIn = await client.DoAsync(
            $$"""{"action":"auth","login":"{{login}}","password":"{{keys.Auth()}}"}""");
        Assert.Equal(
            Verdict.Accepted,
            Identity.OpenVault(
                login, keys.VaultKey, Bytes(signedIn["vault"]), Bytes(signedIn["identity"]!["record"]),
                out var opened));
        Assert.Equal(identity.Fingerprint, opened!.Fingerprint);
        opened.Dispose();
    }

    [Fact]
    public async Task Identity_is_told_to_everybody_and_the_vault_to_its_owner()
    {
        await using var user = await SealingUser.SignUpAsync(server.Server, server.Fresh("user"));
        await using var guest = await server.SignUpAsync();
        foreach (var request in (string[])[$$"""{"action":"get_public_token","login":"{{user.Login}}"}""",
            """{"action":"whoami"}"""])
        {
            var told = await user.Client.DoAsync(request);
            Assert.Equal(
                $$"""{"record":"{{user.Record}}","previous":[]}""", told["identity"]!.ToJsonString());
            Assert.Null(told["vault"]);
        }
        var plain = await guest.Client.DoAsync("""{"action":"whoami"}""");
        Assert.False(plain.ContainsKey("identity"));
        var kdf = await guest.Client.DoAsync($$"""{"action":"kdf","login":"{{guest.Login}}"}""");
        Assert.True(kdf.ContainsKey("kdf") && kdf["kdf"] is null);
    }

    [Fact]
    public async Task What_makes_no_identity_is_refused_by_its_name()
    {
        await using var client = await server.ConnectAsync();
        await using var user = SealingUser.Stranger(client, server.Fresh("user"));
        using var other = Identity.Create("somebody-else");
        string With(string field, string value)
        {
            var request = JsonNode.Parse(user.Registration())!.AsObject();
            request[field] = JsonNode.Parse(value);
            return request.ToJsonString();
        }

        string Without(string field)
        {
            var request = JsonNode.Parse(user.Registration())!.AsObject();
            request.Remove(field);
            return request.ToJsonString();
        }

        var tampered = user.Identity.Record.Bytes.ToArray();
        tampered[700] ^= 1;
        await Outcomes.HoldAsync(client,
        [
            (Without("kdf"), "bad_request kdf"),
            (Without("identity"), "bad_request identity"),
            (Without("vault"), "bad_request vault"),
            (With("kdf", "5"), "bad_request kdf"),
            (With("kdf", "{}"), "bad_request kdf"),
            (With("kdf", "null"), "bad_request kdf"),
            (With("kdf", """{"v":1,"salt":null,"ops":3,"mem":65536}"""), "bad_request kdf"),
            (With("kdf", """{"v":1,"salt":"AA==","ops":3,"mem":65536}"""), "bad_encoding kdf"),
            (With("kdf", SealingUser.Kdf(ops: 2)), "weak_kdf kdf"),
            (With("kdf", SealingUser.Kdf(ops: 17)), "weak_kdf kdf"),
            (With("kdf", SealingUser.Kdf(mem: 65_535)), "weak_kdf kdf"),
            (With("kdf", SealingUser.Kdf(mem: 1_048_577)), "weak_kdf kdf"),
            (With("kdf", SealingUser.Kdf(version: 2)), "weak_kdf kdf"),
            (With("kdf", SealingUser.Kdf(saltBytes: 15)), "weak_kdf kdf"),
            (With("identity", "[]"), "bad_request identity"),
            (With("identity", "{}"), "bad_request identity"),
            (With("identity", """{"record":5}"""), "bad_request identity"),
            (With("identity", """{"record":"A"}"""), "bad_encoding identity"),
            (With("identity", """{"record":"AAAA"}"""), "bad_identity identity"),
            (With("identity", $$"""{"record":"{{Base64Text.Encode(tampered)}}"}"""), "bad_identity identity"),
            (With("identity", $$"""{"record":"{{Base64Text.Encode(other.Record.Bytes)}}"}"""), "bad_identity identity"),
            (With("vault", "5"), "bad_request vault"),
            (With("vault", "\"AA=\""), "bad_encoding vault"),
            (With("vault", "\"AAAA\""), "bad_vault vault"),
            (With("vault", $"\"{Base64Text.Encode(new byte[VaultForm.SizeBytes])}\""), "bad_vault vault"),
            (user.Registration(), "ok"),
            (user.Registration(), "login_taken login"),
        ]);
    }

    [Fact]
    public async Task Password_changes_with_the_vault_and_never_without()
    {
        await using var user = await SealingUser.SignUpAsync(server.Server, server.Fresh("user"));
        var (next, vault, kdf) = (SealingUser.RandomText(32), SealingUser.Vault(), SealingUser.Kdf(ops: 4));
        string Change(string more) =>
            $$"""{"action":"change_password","old_password":"{{user.Password}}","new_password":"{{next}}"{{more}}}""";
        var identity = $$"""{"record":"{{user.Record}}"}""";
        await Outcomes.HoldAsync(user.Client,
        [
            (Change(""), "bad_request kdf"),
            (Change($",\"kdf\":{kdf}"), "bad_request vault"),
            (Change($",\"kdf\":{kdf},\"vault\":\"{vault}\",\"identity\":{identity}"), "bad_request identity"),
            (Change($",\"kdf\":{kdf},\"vault\":\"{vault}\""), "ok"),
        ]);
        user.Password = next;
        Assert.Equal(vault, (await user.SignInAsync())["vault"]!.GetValue<string>());
        var told = await user.Client.DoAsync($$"""{"action":"kdf","login":"{{user.Login}}"}""");
        Assert.Equal(kdf, told["kdf"]!.ToJsonString());
    }

    [Fact]
    public async Task Plain_account_gets_an_identity_with_its_next_password()
    {
        await using var guest = await server.SignUpAsync();
        using var identity = Identity.Create(guest.Login);
        var record = Base64Text.Encode(identity.Record.Bytes);
        string Change(string more) =>
            $$"""
            {"action":"change_password","old_password":"password of {{guest.Login}}",
            "new_password":"0123456789"{{more}}}
            """;
        var (kdf, vault) = ($",\"kdf\":{SealingUser.Kdf()}", $",\"vault\":\"{SealingUser.Vault()}\"");
        await Outcomes.HoldAsync(guest.Client,
        [
            (Change(kdf), "bad_request vault"),
            (Change(kdf + vault), "bad_request identity"),
            (Change(kdf + vault + ",\"identity\":{\"record\":\"AAAA\"}"), "bad_identity identity"),
            (Change(kdf + vault + $",\"identity\":{{\"record\":\"{record}\"}}"), "ok"),
        ]);
        var told = await guest.Client.DoAsync("""{"action":"whoami"}""");
        Assert.Equal(record, told["identity"]!["record"]!.GetValue<string>());
    }

    [Fact]
    public async Task New_identity_takes_the_place_of_the_old_one_and_tells_who_signed_it()
    {
        await using var user = await SealingUser.SignUpAsync(server.Server, server.Fresh("user"));
        using var first = user.Identity;
        using var second = Identity.Create(user.Login);
        using var third = Identity.Create(user.Login);
        var vault = SealingUser.Vault();
        string Reset(Identity next, byte[]? succession = null, string? password = null) =>
            $$"""
            {"action":"reset_identity","password":"{{password ?? user.Password}}","vault":"{{vault}}",
            "identity":{"record":"{{Base64Text.Encode(next.Record.Bytes)}}"}{{(succession is null
                ? "" : $",\"succession\":\"{Base64Text.Encode(succession)}\"")}}}
            """;
        await Outcomes.HoldAsync(user.Client,
        [
            (Reset(second, password: "another one"), "bad_credentials"),
            (Reset(second, third.SignSuccession(second.Record)), "bad_identity identity"),
            (Reset(second, new byte[63]), "bad_identity identity"),
            (Reset(second, first.SignSuccession(second.Record)), "ok"),
            (Reset(second, first.SignSuccession(second.Record)), "ok"),
            (Reset(first, second.SignSuccession(first.Record)), "bad_identity identity"),
        ]);
        Assert.Equal(vault, (await user.SignInAsync())["vault"]!.GetValue<string>());
        var succession = Base64Text.Encode(first.SignSuccession(second.Record));
        Assert.Equal(
            $$"""
            {"record":"{{Text(second)}}","previous":[{"record":"{{Text(first)}}","succession":"{{succession}}"}]}
            """,
            await IdentityAsync());
        await user.Client.DoAsync(Reset(third));
        Assert.Equal($$"""{"record":"{{Text(third)}}","previous":[]}""", await IdentityAsync());

        async Task<string> IdentityAsync() =>
            (await user.Client.DoAsync("""{"action":"whoami"}"""))["identity"]!.ToJsonString();
    }

    [Fact]
    public async Task New_identity_ends_every_other_session_and_what_they_had_under_way()
    {
        await using var user = await SealingUser.SignUpAsync(server.Server, server.Fresh("user"));
        await using var other = await server.ConnectAsync();
        var signedIn = await other.DoAsync(
            $$"""{"action":"auth","login":"{{user.Login}}","password":"{{user.Password}}"}""");
        using var next = Identity.Create(user.Login);
        var rooms = server.Server.Rooms;
        var session = await rooms.Sessions.FindAsync(signedIn["token"]!.GetValue<Guid>(), Cancellation);
        var hash = await rooms.Users.FindPasswordHashAsync(user.Login, Cancellation);

        await user.Client.DoAsync(
            $$"""
            {"action":"reset_identity","password":"{{user.Password}}","vault":"{{SealingUser.Vault()}}",
            "identity":{"record":"{{Text(next)}}"} }
            """);

        var hint = await other.EventAsync();
        Assert.Equal(("session_ended", "revoked"), ((string?)hint["event"], (string?)hint["reason"]));
        Assert.Equal(session!.SessionId, hint["session_id"]!.GetValue<Guid>());
        await Outcomes.HoldAsync(other, [("""{"action":"whoami"}""", "bad_token")]);
        // A new password that was let in before, and comes to be stored only now, with the vault of the old identity.
        Assert.Null(await rooms.Users.ChangePasswordAsync(
            session, hash!, "another hash", null, TimeProvider.System.GetUtcNow(), Cancellation));
        Assert.Equal(hash, await rooms.Users.FindPasswordHashAsync(user.Login, Cancellation));
        await user.Client.DoAsync("""{"action":"whoami"}""");
    }

    [Fact]
    public async Task Plain_account_has_no_identity_to_replace()
    {
        await using var guest = await server.SignUpAsync();
        using var identity = Identity.Create(guest.Login);
        await Outcomes.HoldAsync(guest.Client,
        [
            ($$"""
            {"action":"reset_identity","password":"password of {{guest.Login}}","vault":"{{SealingUser.Vault()}}",
            "identity":{"record":"{{Text(identity)}}"} }
            """, "bad_request identity"),
        ]);
    }

    [Fact]
    public async Task Database_alone_opens_no_vault()
    {
        await using var user = SealingUser.Stranger(await server.ConnectAsync(), server.Fresh("user"));
        var vault = SealingUser.Vault();
        await user.Client.DoAsync(user.Registration(vault: vault));
        await using var database = NpgsqlDataSource.Create(server.Server.Database);
        await using var command = database.CreateCommand(
            "SELECT v.vault FROM vaults v JOIN users u USING (public_token) WHERE u.login = $1");
        command.Parameters.Add(new NpgsqlParameter { Value = user.Login });
        var stored = (byte[])(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
        var seed = Bytes(vault)[1..];
        Assert.True(stored.AsSpan().IndexOf(seed.AsSpan(0, 8)) < 0);
        Assert.True(stored.AsSpan().IndexOf(Encoding.ASCII.GetBytes(vault).AsSpan(0, 8)) < 0);
    }

    static string Text(Identity identity) => Base64Text.Encode(identity.Record.Bytes);

    static byte[] Bytes(JsonNode? text) => Bytes(text!.GetValue<string>());

    static byte[] Bytes(string text)
    {
        Assert.True(Base64Text.TryDecode(text, out var bytes));
        return bytes;
    }
}
