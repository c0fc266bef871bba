using Conclave.Sdk;

namespace Conclave.Client;

/// <summary>Taking an identity back: nobody is asked for a code that this device can tell.</summary>
static class Recovering
{
    /// <summary>The code of the identity that is still on this device; null if none is.</summary>
    public static async Task<string?> HeldCodeAsync(ConclaveClient client, CancellationToken cancellation)
    {
        try
        {
            return await client.Account.RecoveryCodeAsync(cancellation);
        }
        catch (RefusedException refused) when (refused.Code == "no_identity")
        {
            return null;
        }
    }
}
