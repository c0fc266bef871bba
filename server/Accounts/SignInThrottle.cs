using System.Net;
using Conclave.Protocol;

namespace Conclave.Server.Accounts;

/// <summary>
/// Slows down who guesses passwords: counts attempts per login and address, and per address whatever the login. The
/// first ones are free, then each costs a wait that doubles from 1 s to 15 min.
/// </summary>
/// <remarks>
/// A login alone is not counted: then anybody could lock its owner out. No address is exempt, loopback neither, since a
/// proxy or a container network may make every client look like one.
/// </remarks>
sealed class SignInThrottle(Limits limits, TimeProvider time)
{
    const int FreePerPair = 5;
    const int FreePerAddress = 20;

    // Whoever keeps guessing ends at this pace: 4 an hour at one login, one a minute from one address. The latter is
    // faster because many people may share an address and each of them mistypes now and then.
    static readonly TimeSpan PairForgiveness = TimeSpan.FromMinutes(15);
    static readonly TimeSpan AddressForgiveness = TimeSpan.FromMinutes(1);

    readonly Lock _lock = new();
    readonly long _start = time.GetTimestamp();

    readonly FailureTable<(string Login, AddressGroup Address)> _pairs =
        new(Math.Max(1, limits.ThrottleEntriesMax / 2), FreePerPair, PairForgiveness);

    readonly FailureTable<AddressGroup> _addresses =
        new(Math.Max(1, limits.ThrottleEntriesMax / 2), FreePerAddress, AddressForgiveness);

    /// <summary>
    /// Charges one attempt, before its password is checked, so that a thousand attempts at one time are not a thousand
    /// free guesses. False: it is too early, and nothing was charged. The charge stays, as a failure, unless
    /// <see cref="Succeeded"/> or <see cref="Undone"/> is called, once.
    /// </summary>
    /// <param name="login">Folded to lower case; whether there is such an account makes no difference.</param>
    /// <param name="retryAfter">When false: how long to wait, more than zero.</param>
    public bool TryBegin(string login, IPAddress address, out TimeSpan retryAfter)
    {
        var group = AddressGroup.Of(address);
        var now = time.GetElapsedTime(_start);
        lock (_lock)
        {
            var ofPair = _pairs.WaitOf((login, group), now);
            var ofAddress = _addresses.WaitOf(group, now);
            retryAfter = ofPair > ofAddress ? ofPair : ofAddress;
            if (retryAfter > TimeSpan.Zero)
            {
                return false;
            }

            retryAfter = TimeSpan.Zero;
            _pairs.Charge((login, group), now);
            _addresses.Charge(group, now);
            return true;
        }
    }

    /// <summary>
    /// The password was right: forgets the pair's failures. Of the address's it takes back this one charge only, else
    /// somebody with an account of their own would clear them between two guesses at others.
    /// </summary>
    public void Succeeded(string login, IPAddress address)
    {
        var group = AddressGroup.Of(address);
        lock (_lock)
        {
            _pairs.Forget((login, group));
            _addresses.Refund(group);
        }
    }

    /// <summary>The password was not looked at (overload, the database is away): takes this charge back.</summary>
    public void Undone(string login, IPAddress address)
    {
        var group = AddressGroup.Of(address);
        lock (_lock)
        {
            _pairs.Refund((login, group));
            _addresses.Refund(group);
        }
    }
}
