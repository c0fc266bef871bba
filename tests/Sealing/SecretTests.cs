using System.Reflection;
using Conclave.Roster;
using Conclave.Sealing;

namespace Conclave.Tests.Sealing;

/// <summary>A secret cannot be printed, is gone when it was disposed, and is no member of a record.</summary>
public sealed class SecretTests
{
    static readonly KdfParameters Cheap = CheapParameters();

    [Fact]
    public void Secret_prints_the_name_of_its_type()
    {
        using var identity = Identity.Create("erin");
        using var key = GenerationKey.Create(1);
        using var keys = PasswordKeys.Derive("erin", "correct horse", Cheap);
        using var ring = new KeyRing();
        using var content = Content.Create("""{"t":"text","text":"seen by nobody"}"""u8);
        using var bytes = new SecretBytes(32);
        object[] secrets = [identity, key, keys, keys.VaultKey, ring, content, bytes];

        Assert.All(secrets, secret => Assert.Equal(secret.GetType().Name, secret.ToString()));
    }

    [Fact]
    public void Secret_is_wiped_when_disposed()
    {
        var bytes = SecretBytes.Random(32);
        var memory = bytes.Span;
        Assert.True(memory.ContainsAnyExcept((byte)0));

        bytes.Dispose();

        Assert.False(memory.ContainsAnyExcept((byte)0));
        Assert.Throws<ObjectDisposedException>(() => bytes.Span.Length);
    }

    [Fact]
    public void Content_is_wiped_when_disposed()
    {
        var content = Content.Create("""{"t":"text"}"""u8, "blob"u8);
        var (head, blob) = (content.Head, content.Blob);

        content.Dispose();

        Assert.False(head.Span.ContainsAnyExcept((byte)0));
        Assert.False(blob.Span.ContainsAnyExcept((byte)0));
        Assert.Throws<ObjectDisposedException>(() => content.Head);
        Assert.Throws<ObjectDisposedException>(() => content.Blob);
    }

    [Fact]
    public void Secret_is_not_to_be_had_after_it_was_disposed()
    {
        var identity = Identity.Create("erin");
        var key = GenerationKey.Create(1);
        var keys = PasswordKeys.Derive("erin", "correct horse", Cheap);
        var ring = new KeyRing();
        var next = GenerationKey.Create(2);
        ring.Add(next);
        var vault = identity.SealVault(keys.VaultKey);
        identity.Dispose();
        key.Dispose();
        keys.Dispose();
        ring.Dispose();

        Assert.Throws<ObjectDisposedException>(() => identity.ExportSeed(new byte[32]));
        Assert.Throws<ObjectDisposedException>(() => identity.SignSuccession(identity.Record));
        Assert.Throws<ObjectDisposedException>(() => identity.SealVault(keys.VaultKey));
        Assert.Throws<ObjectDisposedException>(() => key.Export(new byte[32]));
        Assert.Throws<ObjectDisposedException>(() => key.WrapFor(Guid.Empty, identity.Record));
        Assert.Throws<ObjectDisposedException>(() => next.Export(new byte[32]));
        Assert.Throws<ObjectDisposedException>(() => keys.Auth());
        Assert.Throws<ObjectDisposedException>(() =>
            Identity.OpenVault("erin", keys.VaultKey, vault, identity.Record.Bytes, out _));
        Assert.Null(ring[2]);
    }

    [Fact]
    public void No_record_holds_a_secret()
    {
        Type[] secrets = [.. typeof(Box).Assembly.GetTypes()
            .Where(type => type.IsAssignableTo(typeof(IDisposable)) && type.IsClass)];
        Assert.Contains(typeof(GenerationKey), secrets);
        var records = new[] { typeof(Box).Assembly, typeof(Verdict).Assembly }.SelectMany(part => part.GetTypes())
            .Where(type => type.GetMethod("<Clone>$") is not null || type.GetMethod("PrintMembers", All) is not null);

        Assert.All(records, record => Assert.DoesNotContain(
            record.GetFields(All), field => secrets.Contains(field.FieldType)));
    }

    [Fact]
    public void Every_secret_is_sealed() => Assert.All(
        typeof(Box).Assembly.GetExportedTypes().Where(type => type.IsAssignableTo(typeof(IDisposable))),
        type => Assert.True(type.IsSealed));

    const BindingFlags All = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    static KdfParameters CheapParameters()
    {
        KdfParameters.Accept(1, new byte[16], KdfParameters.OpsMin, KdfParameters.MemMin, out var parameters);
        return parameters!;
    }
}
