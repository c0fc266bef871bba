using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Conclave.Bench.Load.Sealed;

/// <summary>A user who seals, known by number: what bench/Rounds/SealedSeed.cs has put in.</summary>
static class SealedMember
{
    /// <summary>The seed is what everybody can compute: nothing here is worth keeping.</summary>
    public static Conclave.Sealing.Identity Identity(int user)
    {
        var login = "bench-" + user.ToString(CultureInfo.InvariantCulture);
        return Conclave.Sealing.Identity.FromSeed(login, SHA256.HashData(Encoding.ASCII.GetBytes(login)));
    }

    public static Guid Token(int user) =>
        Guid.ParseExact("20000000-0000-4000-8000-" + user.ToString("x12", CultureInfo.InvariantCulture), "D");
}
