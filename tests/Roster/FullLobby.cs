using System.Globalization;
using Conclave.Roster;
using Conclave.Sealing;
using Conclave.Tests.Support;

namespace Conclave.Tests.Roster;

/// <summary>
/// The published lobby of 500 members: alice's main lobby, to which she has invited so many; member i has the seed
/// H("test", u64(i)) and the login m(i).
/// </summary>
static class FullLobby
{
    public static (RosterState State, Dictionary<Digest, IdentityRecord> Identities) Make()
    {
        var alice = SealingVectors.People["alice"];
        var state = SealingVectors.StateAt(SealingVectors.Main, 1)!;
        var identities = new Dictionary<Digest, IdentityRecord>(SealingVectors.Records);
        for (var number = 1UL; number <= RosterState.MembersMax; number++)
        {
            var seed = new LabeledTuple("test"u8).AddNumber(number).Hash();
            var login = string.Create(CultureInfo.InvariantCulture, $"m{number}");
            using var member = Identity.FromSeed(login, seed.Bytes);
            identities.Add(member.Fingerprint, member.Record);
            if (state.Members.Count < RosterState.MembersMax)
            {
                var token = new Guid(seed.Bytes[..16], bigEndian: true);
                var entry = RosterSigner.Sign(
                    alice, state, new RosterChange.Invite(member.Fingerprint, token, MemberRights.Read));
                Assert.Equal(Verdict.Accepted, RosterState.Apply(state, entry, identities, out var next));
                state = next!;
            }
        }

        return (state, identities);
    }
}
