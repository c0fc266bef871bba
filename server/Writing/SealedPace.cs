namespace Conclave.Server.Writing;

/// <summary>
/// How many rows a second a sealed lobby takes, and so many at once. Rows refer to each other across a window of 4,096
/// rows: faster, somebody who posts a lot could push what others have just seen out of it.
/// </summary>
sealed class SealedPace(int rowsPerSecond, TimeProvider time)
{
    readonly bool _isBoundless = rowsPerSecond >= int.MaxValue / 2;
    readonly long _cost = Math.Max(1, time.TimestampFrequency / Math.Max(1, rowsPerSecond));

    // The moment at which all that was taken will have been earned.
    long _earnedAt;

    public bool TryTake(out TimeSpan retryAfter)
    {
        retryAfter = TimeSpan.Zero;
        if (_isBoundless)
            return true;
        var now = time.GetTimestamp();
        var taken = Math.Max(_earnedAt, now) + _cost;
        var tooEarly = taken - now - (_cost * rowsPerSecond);
        if (tooEarly > 0)
        {
            retryAfter = time.GetElapsedTime(0, tooEarly);
            return false;
        }
        _earnedAt = taken;
        return true;
    }

    /// <summary>Gives back what was taken and not used.</summary>
    public void Return(long rows) => _earnedAt -= rows * _cost;
}
