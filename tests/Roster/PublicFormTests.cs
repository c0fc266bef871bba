using Conclave.Roster;
using Conclave.Sealing;
using Conclave.Tests.Support;

namespace Conclave.Tests.Roster;

/// <summary>What a server checks of things it cannot open: wraps, vaults, the parameters of a password.</summary>
public sealed class PublicFormTests
{
    static readonly RosterState State = SealingVectors.LastState(SealingVectors.Main);
    static readonly Identity Alice = SealingVectors.People["alice"];

    [Fact]
    public void Rotation_comes_with_one_wrap_for_each_member()
    {
        var (entry, after) = Apply(State, new RosterChange.Rotate(5, default, new byte[104]));
        KeyWrap[] wraps = [.. after.Members.Keys.Select(member => new KeyWrap(member, Wrap()))];
        Assert.True(wraps.Length > 1);

        Assert.Equal(Verdict.Accepted, KeyWrapForm.Check(entry, after, wraps));
        Assert.Equal(Verdict.BadWraps, KeyWrapForm.Check(entry, after, wraps[1..]));
        Assert.Equal(Verdict.BadWraps, KeyWrapForm.Check(entry, after, [.. wraps, wraps[0]]));
        Assert.Equal(Verdict.BadWraps, KeyWrapForm.Check(entry, after, [wraps[1], .. wraps[1..]]));
        Assert.Equal(
            Verdict.BadWraps, KeyWrapForm.Check(entry, after, [new(default, Wrap()), .. wraps[1..]]));
        Assert.All<byte[]>([Wrap()[1..], [.. Wrap(), 0], [2, .. Wrap()[1..]], []], broken => Assert.Equal(
            Verdict.BadWraps, KeyWrapForm.Check(entry, after, [wraps[0] with { Wrap = broken }, .. wraps[1..]])));
    }

    [Fact]
    public void Creation_comes_with_a_wrap_for_its_creator()
    {
        var entry = SealingVectors.Entry(
            SealingVectors.All("rosters").GetProperty("main").GetProperty("entries")[0].Bytes("entry"));
        var after = SealingVectors.StateAt(SealingVectors.Main, 1)!;

        Assert.Equal(Verdict.Accepted, KeyWrapForm.Check(entry, after, [new(Alice.Fingerprint, Wrap())]));
        Assert.Equal(Verdict.BadWraps, KeyWrapForm.Check(entry, after, []));
    }

    [Theory]
    [InlineData(SealingVectors.Main, 1)]
    [InlineData(SealingVectors.FromJoin, 0)]
    public void Invitation_comes_with_a_wrap_where_history_is_for_all(string roster, int needed)
    {
        var mallory = SealingVectors.People["mallory"];
        var invite = new RosterChange.Invite(mallory.Fingerprint, Guid.NewGuid(), MemberRights.Read);
        var (entry, after) = Apply(SealingVectors.StateAt(roster, 1)!, invite);

        Assert.Equal(needed == 0 ? Verdict.Accepted : Verdict.BadWraps, KeyWrapForm.Check(entry, after, []));
        Assert.Equal(
            needed == 1 ? Verdict.Accepted : Verdict.BadWraps,
            KeyWrapForm.Check(entry, after, [new(mallory.Fingerprint, Wrap())]));
        Assert.Equal(
            Verdict.BadWraps, KeyWrapForm.Check(entry, after, [new(Alice.Fingerprint, Wrap())]));
    }

    [Fact]
    public void Other_changes_come_without_wraps()
    {
        var (entry, after) = Apply(State, new RosterChange.Rename("attic"));

        Assert.Equal(Verdict.Accepted, KeyWrapForm.Check(entry, after, []));
        Assert.Equal(Verdict.BadWraps, KeyWrapForm.Check(entry, after, [new(Alice.Fingerprint, Wrap())]));
    }

    [Fact]
    public void Succession_comes_with_wraps_of_distinct_generations_that_there_are()
    {
        Assert.Equal(Verdict.Accepted, Check());
        Assert.Equal(Verdict.Accepted, Check((1, Wrap()), (4, Wrap())));
        Assert.Equal(Verdict.BadWraps, Check((1, Wrap()), (1, Wrap())));
        Assert.Equal(Verdict.BadWraps, Check((0, Wrap())));
        Assert.Equal(Verdict.BadWraps, Check((5, Wrap())));
        Assert.Equal(Verdict.BadWraps, Check((1, Wrap().AsMemory(1))));

        static Verdict Check(params (ulong, ReadOnlyMemory<byte>)[] wraps) =>
            KeyWrapForm.CheckSuccession(State, wraps);
    }

    [Theory]
    [InlineData(105, 1, Verdict.Accepted)]
    [InlineData(105, 2, Verdict.BadVault)]
    [InlineData(104, 1, Verdict.BadVault)]
    [InlineData(106, 1, Verdict.BadVault)]
    public void Vault_has_105_bytes_of_version_1(int size, byte version, Verdict expected)
    {
        var vault = new byte[size];
        vault[0] = version;
        Assert.Equal(expected, VaultForm.Check(vault));
        Assert.Equal(Verdict.BadVault, VaultForm.Check([]));
    }

    [Theory]
    [InlineData(1, 16, 3, 65_536, true)]
    [InlineData(1, 16, 16, 1_048_576, true)]
    [InlineData(0, 16, 3, 65_536, false)]
    [InlineData(2, 16, 3, 65_536, false)]
    [InlineData(1, 15, 3, 65_536, false)]
    [InlineData(1, 17, 3, 65_536, false)]
    [InlineData(1, 16, 2, 65_536, false)]
    [InlineData(1, 16, 17, 65_536, false)]
    [InlineData(1, 16, 3, 65_535, false)]
    [InlineData(1, 16, 3, 1_048_577, false)]
    [InlineData(1, 16, (1L << 32) + 3, 65_536, false)]
    [InlineData(1, 16, 3, (1L << 32) + 65_536, false)]
    [InlineData((1L << 32) + 1, 16, 3, 65_536, false)]
    public void Parameters_of_a_password_have_bounds(long version, int saltBytes, long ops, long mem, bool isAccepted)
    {
        var verdict = KdfParameters.Accept(version, new byte[saltBytes], ops, mem, out var parameters);

        Assert.Equal(isAccepted ? Verdict.Accepted : Verdict.WeakKdf, verdict);
        Assert.Equal(isAccepted, parameters is not null);
    }

    [Fact]
    public void New_parameters_are_the_defaults_with_a_salt_of_their_own()
    {
        var (one, other) = (KdfParameters.Create(), KdfParameters.Create());

        Assert.Equal((3, 131_072), (one.Ops, one.Mem));
        Assert.NotEqual(one, other);
        Assert.Equal(
            Verdict.Accepted, KdfParameters.Accept(KdfParameters.Version, one.Salt, one.Ops, one.Mem, out var same));
        Assert.Equal(one, same);
        Assert.Equal(one.GetHashCode(), same!.GetHashCode());
    }

    [Theory]
    [InlineData(3, 131_072, false)]
    [InlineData(4, 131_072, false)]
    [InlineData(4, 131_071, true)]
    [InlineData(3, 65_536, true)]
    public void Parameters_that_cost_less_in_any_measure_are_weaker(int ops, int mem, bool isWeaker)
    {
        KdfParameters.Accept(1, new byte[16], ops, mem, out var parameters);
        KdfParameters.Accept(1, new byte[16], 4, KdfParameters.MemMin, out var slow);
        Assert.Equal(isWeaker, parameters!.IsWeakerThan(KdfParameters.Create()));
        Assert.Equal(ops < 4, parameters.IsWeakerThan(slow!));
    }

    static (RosterEntry Entry, RosterState After) Apply(RosterState state, RosterChange change)
    {
        var entry = RosterSigner.Sign(Alice, state, change);
        Assert.Equal(Verdict.Accepted, RosterState.Apply(state, entry, SealingVectors.Records, out var after));
        return (entry, after!);
    }

    static byte[] Wrap() => [1, .. new byte[KeyWrapForm.SizeBytes - 1]];
}
