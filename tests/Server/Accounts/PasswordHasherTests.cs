using Conclave.Protocol;
using Conclave.Server.Accounts;

namespace Conclave.Tests.Server.Accounts;

public sealed class PasswordHasherTests
{
    static readonly ReadOnlyMemory<byte> Password = "correct horse"u8.ToArray();

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Password_matches_its_own_hash_only()
    {
        using var hasher = new PasswordHasher(Limits.Default);
        var hash = await hasher.HashAsync(Password, Cancellation);

        Assert.Equal(PasswordVerdict.Match, await hasher.VerifyAsync(hash, Password, Cancellation));
        foreach (var other in new[] { "", "Correct horse", "correct horse ", "correct hors", "correct horse\0" })
        {
            var bytes = System.Text.Encoding.UTF8.GetBytes(other);
            Assert.Equal(PasswordVerdict.Mismatch, await hasher.VerifyAsync(hash, bytes, Cancellation));
        }
    }

    [Fact]
    public async Task Password_is_compared_byte_by_byte_up_to_its_greatest_length()
    {
        using var hasher = new PasswordHasher(Limits.Default);
        var longest = new byte[1024];
        var hash = await hasher.HashAsync(longest, Cancellation);
        Assert.Equal(PasswordVerdict.Match, await hasher.VerifyAsync(hash, longest, Cancellation));

        longest[^1] = 1;
        Assert.Equal(PasswordVerdict.Mismatch, await hasher.VerifyAsync(hash, longest, Cancellation));
    }

    [Fact]
    public async Task Stored_text_names_its_parameters_and_holds_a_salt_of_its_own()
    {
        using var hasher = new PasswordHasher(Limits.Default);
        var one = await hasher.HashAsync(Password, Cancellation);
        var other = await hasher.HashAsync(Password, Cancellation);

        Assert.Matches(@"^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$", one);
        Assert.NotEqual(one, other);
    }

    [Fact]
    public async Task Hash_of_other_parameters_is_still_checked()
    {
        // Argon2id with m=8 KiB and t=1, as an operator with other parameters, or a later version, would have it.
        const string Weaker =
            "$argon2id$v=19$m=8,t=1,p=1$vaI0F2RHwBE6IA4Gzk58Fw$db3B0tmLcd8OYeky4jF7ewLrPUVDEfIKvOjD7HY3UNI";
        using var hasher = new PasswordHasher(Limits.Default);

        Assert.Equal(PasswordVerdict.Match, await hasher.VerifyAsync(Weaker, Password, Cancellation));
    }

    [Fact]
    public async Task Account_that_does_not_exist_matches_nothing_and_costs_as_much()
    {
        using var hasher = new PasswordHasher(Limits.Default);
        var hash = await hasher.HashAsync(Password, Cancellation);

        Assert.Equal(PasswordVerdict.Mismatch, await hasher.VerifyAsync(null, Password, Cancellation));
        // Processor time would be a shaky witness on a busy machine; the parameters decide it.
        Assert.Equal(hash!.Split('$')[..4], PasswordHasher.Dummy.Split('$')[..4]);
        Assert.Equal(hash.Length, PasswordHasher.Dummy.Length);
    }

    [Fact]
    public async Task Storm_is_answered_at_once_beyond_the_workers_and_the_queue()
    {
        using var hasher = new PasswordHasher(new Limits { PasswordWorkersMax = 1, PasswordQueueMax = 2 });
        var all = Enumerable.Range(0, 50).Select(_ => hasher.HashAsync(Password, Cancellation).AsTask()).ToArray();
        var answeredAtOnce = all.Select(task => task.IsCompleted).ToArray();
        var hashes = await Task.WhenAll(all);

        // How many are served depends on how many hashes end while the rest is started, but three always are.
        Assert.All(hashes[..3], Assert.NotNull);
        Assert.Contains(null, hashes);
        Assert.All(hashes.Zip(answeredAtOnce), pair => Assert.True(pair.First is not null || pair.Second));
        Assert.NotNull(await hasher.HashAsync(Password, Cancellation));
    }

    [Fact]
    public async Task Check_beyond_the_queue_is_overloaded_not_a_mismatch()
    {
        using var hasher = new PasswordHasher(new Limits { PasswordWorkersMax = 1, PasswordQueueMax = 0 });
        var verdicts = await Task.WhenAll(
            Enumerable.Range(0, 50).Select(_ => hasher.VerifyAsync(null, Password, Cancellation).AsTask()));

        Assert.Equal(PasswordVerdict.Mismatch, verdicts[0]);
        Assert.Contains(PasswordVerdict.Overloaded, verdicts);
    }

    [Fact]
    public async Task Caller_that_goes_away_frees_its_place_in_the_queue()
    {
        using var hasher = new PasswordHasher(new Limits { PasswordWorkersMax = 1, PasswordQueueMax = 50 });
        using var gone = new CancellationTokenSource();
        var waiting = Enumerable.Range(0, 51).Select(_ => hasher.HashAsync(Password, gone.Token).AsTask()).ToArray();
        await gone.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await waiting[^1]);
        Assert.NotNull(await hasher.HashAsync(Password, Cancellation));
    }
}
