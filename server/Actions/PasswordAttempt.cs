using Conclave.Server.Accounts;

namespace Conclave.Server.Actions;

/// <summary>Somebody shows a password: slowed down when wrong ones came before, and checked.</summary>
static class PasswordAttempt
{
    /// <summary>
    /// Checks the password of a login. Whether there is such a user makes no difference to a wrong one.
    /// </summary>
    /// <returns>The hash that it matches; or the answer to give.</returns>
    public static async ValueTask<(string? StoredHash, Answer? Refused)> CheckAsync(
        string login, ReadOnlyMemory<byte> password, Turn turn)
    {
        var rooms = turn.Rooms;
        var address = turn.Caller.Address;
        if (!rooms.Throttle.TryBegin(login, address, out var retryAfter))
            return (null, Refused.RateLimited("too many wrong passwords; wait", retryAfter));
        // The charge is taken back unless the password was looked at.
        var verdict = PasswordVerdict.Overloaded;
        try
        {
            var stored = await rooms.Outage.RideAsync(
                async () => await rooms.Users.FindPasswordHashAsync(login, turn.Cancellation), turn.Cancellation);
            verdict = await rooms.Passwords.VerifyAsync(stored, password, turn.Cancellation);
            return verdict switch
            {
                PasswordVerdict.Match => (stored, null),
                PasswordVerdict.Mismatch => (null, Refused.BadCredentials()),
                _ => (null, Refused.Busy()),
            };
        }
        finally
        {
            if (verdict == PasswordVerdict.Match)
                rooms.Throttle.Succeeded(login, address);
            else if (verdict == PasswordVerdict.Overloaded)
                rooms.Throttle.Undone(login, address);
        }
    }
}
