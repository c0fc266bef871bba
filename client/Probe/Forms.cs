using System.Text.RegularExpressions;

namespace Conclave.Client.Probe;

/// <summary>How values look on the wire.</summary>
static partial class Forms
{
    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", RegexOptions.None, 1000)]
    public static partial Regex Time();

    [GeneratedRegex(
        "^[0-9a-f]{8}-[0-9a-f]{4}-(?<version>[0-9a-f])[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$",
        RegexOptions.ExplicitCapture, 1000)]
    public static partial Regex Uuid();
}
