using System.Net;
using Conclave.Protocol;
using Conclave.Server.Accounts;
using CsCheck;
using Microsoft.Extensions.Time.Testing;

namespace Conclave.Tests.Server.Accounts;

public sealed class SignInThrottleTests
{
    static readonly IPAddress Home = IPAddress.Loopback;
    static readonly IPAddress Away = IPAddress.Parse("192.0.2.7");

    readonly FakeTimeProvider _time = new();

    [Fact]
    public void First_failures_are_free_then_the_wait_doubles_up_to_a_quarter_of_an_hour()
    {
        var throttle = new SignInThrottle(Limits.Default, _time);
        for (var free = 0; free < 5; free++)
        {
            Assert.True(throttle.TryBegin("alice", Home, out _));
        }

        // After a quarter of an hour one failure is forgiven, hence 512 twice.
        foreach (var seconds in new[] { 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 512, 900, 900, 900 })
        {
            Assert.False(throttle.TryBegin("alice", Home, out var wait));
            Assert.Equal(TimeSpan.FromSeconds(seconds), wait);
            _time.Advance(wait - TimeSpan.FromMilliseconds(1));
            Assert.False(throttle.TryBegin("alice", Home, out wait));
            Assert.Equal(TimeSpan.FromMilliseconds(1), wait);
            _time.Advance(wait);
            Assert.True(throttle.TryBegin("alice", Home, out _));
        }
    }

    [Fact]
    public void Address_is_slowed_down_whatever_login_it_tries()
    {
        var throttle = new SignInThrottle(Limits.Default, _time);
        for (var free = 0; free < 20; free++)
        {
            Assert.True(throttle.TryBegin($"user{free}", Home, out _));
        }

        Assert.False(throttle.TryBegin("another", Home, out var wait));
        Assert.Equal(TimeSpan.FromSeconds(1), wait);
        Assert.True(throttle.TryBegin("another", Away, out _));
    }

    [Fact]
    public void Nobody_can_lock_an_owner_out_from_elsewhere()
    {
        var throttle = new SignInThrottle(Limits.Default, _time);
        Exhaust(throttle, "alice", Away);

        Assert.True(throttle.TryBegin("alice", Home, out _));
    }

    [Fact]
    public void Success_forgets_the_pair_but_only_its_own_charge_on_the_address()
    {
        var throttle = new SignInThrottle(Limits.Default, _time);
        for (var round = 0; round < 4; round++)
        {
            for (var failure = 0; failure < 4; failure++)
            {
                Assert.True(throttle.TryBegin("alice", Home, out _));
            }

            Assert.True(throttle.TryBegin("alice", Home, out _));
            throttle.Succeeded("alice", Home);
        }

        // 16 failures stand against the address, so 4 more are free.
        for (var free = 0; free < 4; free++)
        {
            Assert.True(throttle.TryBegin("bob", Home, out _));
        }

        Assert.False(throttle.TryBegin("carol", Home, out _));
    }

    [Fact]
    public void Attempt_that_was_not_looked_at_costs_nothing()
    {
        var throttle = new SignInThrottle(Limits.Default, _time);
        for (var i = 0; i < 1000; i++)
        {
            Assert.True(throttle.TryBegin("alice", Home, out _));
            throttle.Undone("alice", Home);
        }
    }

    [Fact]
    public void Refused_attempt_does_not_lengthen_the_wait()
    {
        var throttle = new SignInThrottle(Limits.Default, _time);
        Exhaust(throttle, "alice", Home);
        for (var i = 0; i < 100; i++)
        {
            Assert.False(throttle.TryBegin("alice", Home, out var wait));
            Assert.Equal(TimeSpan.FromSeconds(1), wait);
        }
    }

    [Fact]
    public void Failures_fade_one_by_one()
    {
        var throttle = new SignInThrottle(Limits.Default, _time);
        Exhaust(throttle, "alice", Home);
        _time.Advance(TimeSpan.FromMinutes(30));

        Assert.True(throttle.TryBegin("alice", Home, out _));
        Assert.True(throttle.TryBegin("alice", Home, out _));
        Assert.False(throttle.TryBegin("alice", Home, out _));
    }

    [Theory]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    [InlineData("192.0.2.1", "::ffff:192.0.2.1", true)]
    [InlineData("::ffff:192.0.2.1", "::ffff:192.0.2.2", false)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    [InlineData("fe80::1%1", "fe80::2%2", true)]
    [InlineData("127.0.0.1", "::1", false)]
    public void IPv6_network_of_64_bits_is_one_address(string one, string other, bool same)
    {
        var throttle = new SignInThrottle(Limits.Default, _time);
        Exhaust(throttle, "alice", IPAddress.Parse(one));

        Assert.Equal(!same, throttle.TryBegin("alice", IPAddress.Parse(other), out _));
    }

    [Fact]
    public async Task Attempts_at_one_time_are_not_free()
    {
        var throttle = new SignInThrottle(Limits.Default, _time);
        var begun = await Task.WhenAll(Enumerable.Range(0, 1000).Select(_ =>
            Task.Run(() => throttle.TryBegin("alice", Home, out var _))));

        Assert.Equal(5, begun.Count(permitted => permitted));
    }

    [Fact]
    public async Task Charges_taken_back_at_one_time_leave_nothing_behind()
    {
        var throttle = new SignInThrottle(Limits.Default, _time);
        await Task.WhenAll(Enumerable.Range(0, 1000).Select(i => Task.Run(() =>
        {
            if (throttle.TryBegin($"user{i % 7}", Home, out _))
            {
                throttle.Undone($"user{i % 7}", Home);
            }
        })));

        Exhaust(throttle, "user0", Home);
    }

    [Fact]
    public void Flood_of_other_pairs_does_not_reset_a_punished_one()
    {
        var throttle = new SignInThrottle(new Limits { ThrottleEntriesMax = 64 }, _time);
        Exhaust(throttle, "alice", Home);
        for (var i = 0; i < 10_000; i++)
        {
            _ = throttle.TryBegin($"user{i}", new IPAddress(0x0A00_0000L + i), out _);
        }

        Assert.False(throttle.TryBegin("alice", Home, out _));
    }

    static void Exhaust(SignInThrottle throttle, string login, IPAddress address)
    {
        for (var free = 0; free < 5; free++)
        {
            Assert.True(throttle.TryBegin(login, address, out _));
        }

        Assert.False(throttle.TryBegin(login, address, out _));
    }
}
