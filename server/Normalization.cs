using System.Text;
using Conclave.Server.Storage;

namespace Conclave.Server;

/// <summary>Without ICU .NET silently leaves text as it is, and two spellings of a name would be two names.</summary>
static class Normalization
{
    /// <exception cref="StartupException">NFC does not work here.</exception>
    public static void Require()
    {
        if ("e\u0301".Normalize(NormalizationForm.FormC) != "\u00e9")
        {
            throw new StartupException("Unicode normalisation does not work here: install the ICU libraries"
                + " (Debian: apt-get install libicu72 or newer) and do not set DOTNET_SYSTEM_GLOBALIZATION_INVARIANT");
        }
    }
}
