using Conclave.Roster;
using Conclave.Sealing;
using Conclave.Tests.Support;

namespace Conclave.Tests.Sealing;

public sealed class GenerationKeyTests : IDisposable
{
    static readonly RosterState Roster = SealingVectors.LastState(SealingVectors.Main);
    static readonly Identity Bob = SealingVectors.People["bob"];

    readonly GenerationKey _key = SealingVectors.Key(4);

    public void Dispose() => _key.Dispose();

    [Fact]
    public void Wrap_opens_for_its_recipient()
    {
        var wrap = _key.WrapFor(Roster.LobbyId, Bob.Record);

        Assert.Equal(Bob.Fingerprint, wrap.To);
        Assert.Equal(Verdict.Accepted, GenerationKey.OpenWrap(Roster, 4, Bob, wrap.Wrap.Span, out var opened));
        Assert.Equal(_key.Commit, opened!.Commit);
        Assert.Equal(4UL, opened.Generation);
        opened.Dispose();
    }

    [Fact]
    public void Wrap_with_any_byte_altered_is_refused_by_name() => Assert.All(
        Tampering.Of(_key.WrapFor(Roster.LobbyId, Bob.Record).Wrap.ToArray()),
        altered =>
        {
            var verdict = GenerationKey.OpenWrap(Roster, 4, Bob, altered, out var opened);
            Assert.Null(opened);
            Assert.Equal(altered is [1, ..] && altered.Length == 1225 ? Verdict.BadBox : Verdict.BadWrap, verdict);
        });

    // Nobody can have made this ciphertext: its X25519 part is of low order.
    [Fact]
    public void Wrap_that_cannot_be_decapsulated_is_a_bad_box()
    {
        var wrap = _key.WrapFor(Roster.LobbyId, Bob.Record).Wrap.ToArray();
        wrap.AsSpan(1 + 1088, 32).Clear();

        Assert.Equal(Verdict.BadBox, GenerationKey.OpenWrap(Roster, 4, Bob, wrap, out _));
    }

    [Fact]
    public void Wrap_of_a_key_that_the_roster_does_not_know_is_a_bad_key()
    {
        using var other = GenerationKey.Create(4);
        var (ciphertext, shared) = (new byte[1120], new byte[32]);
        Geralt.XWing.Encapsulate(shared, ciphertext, Bob.Record.SealKey);
        var context = GenerationKey.WrapContext(
            Roster.LobbyId, 4, Bob.Fingerprint, Roster.Generations[3].Commit, ciphertext);
        byte[] wrap = [1, .. ciphertext, .. Box.Seal(shared, context, other.Bytes)];

        Assert.Equal(Verdict.BadKey, GenerationKey.OpenWrap(Roster, 4, Bob, wrap, out var opened));
        Assert.Null(opened);
    }

    [Fact]
    public void Link_with_any_byte_altered_is_a_bad_box()
    {
        var alice = SealingVectors.People["alice"];
        var state = SealingVectors.StateAt(SealingVectors.Main, 6)!;
        using var current = SealingVectors.Key(1);
        using var next = GenerationKey.Create(2);
        var link = next.Link(state.LobbyId, current);
        Assert.Equal(RosterChange.LinkBytes, link.Length);
        foreach (var altered in Tampering.Of(link).Where(altered => altered.Length == link.Length))
        {
            var entry = RosterSigner.Sign(alice, state, new RosterChange.Rotate(2, next.Commit, altered));
            Assert.Equal(Verdict.Accepted, RosterState.Apply(state, entry, SealingVectors.Records, out var rotated));
            Assert.Equal(Verdict.BadBox, next.OpenLink(rotated!, out var opened));
            Assert.Null(opened);
        }
    }

    [Fact]
    public void Rotation_carries_a_link_that_leads_back()
    {
        var state = SealingVectors.StateAt(SealingVectors.Main, 6)!;
        using var current = SealingVectors.Key(1);
        using var next = GenerationKey.Create(2);
        var entry = RosterSigner.Rotate(SealingVectors.People["alice"], state, next, current);
        Assert.Equal(Verdict.Accepted, RosterState.Apply(state, entry, SealingVectors.Records, out var rotated));

        Assert.Equal(Verdict.Accepted, next.OpenLink(rotated!, out var opened));

        Assert.Equal(current.Commit, opened!.Commit);
        Assert.Throws<InvalidOperationException>(() => opened.OpenLink(rotated!, out _));
        Assert.Throws<ArgumentException>(() =>
            RosterSigner.Rotate(SealingVectors.People["alice"], state, current, null));
        Assert.Throws<ArgumentException>(() =>
            RosterSigner.Rotate(SealingVectors.People["alice"], state, next, _key));
        Assert.Throws<ArgumentNullException>(() =>
            RosterSigner.Rotate(SealingVectors.People["alice"], state, next, null));
        opened.Dispose();
    }

    [Fact]
    public void Rotation_has_no_link_where_history_starts_at_joining()
    {
        var state = SealingVectors.StateAt(SealingVectors.FromJoin, 1)!;
        using var next = GenerationKey.Create(2);
        var entry = RosterSigner.Rotate(SealingVectors.People["alice"], state, next, null);

        Assert.Equal(Verdict.Accepted, RosterState.Apply(state, entry, SealingVectors.Records, out var rotated));
        Assert.Throws<InvalidOperationException>(() => next.OpenLink(rotated!, out _));
    }

    [Fact]
    public void Lobby_begins_with_generation_1()
    {
        var alice = SealingVectors.People["alice"];
        using var first = GenerationKey.Create(1);
        var entry = RosterSigner.Create(alice, SealingVectors.Token("alice"), History.All, "attic", first);

        Assert.Equal(Verdict.Accepted, RosterState.Apply(null, entry, SealingVectors.Records, out var state));
        Assert.Equal(SealedLobbyId.Of(entry.Hash), state!.LobbyId);
        Assert.True(SealedLobbyId.IsSealed(state.LobbyId));
        Assert.False(SealedLobbyId.IsSealed(Guid.NewGuid()));
        Assert.Equal(first.Commit, state.Generations[0].Commit);
        Assert.Throws<ArgumentException>(() =>
            RosterSigner.Create(alice, SealingVectors.Token("alice"), History.All, "attic", _key));
    }

    [Fact]
    public void Kept_key_is_checked_against_the_roster_again()
    {
        var kept = new byte[32];
        _key.Export(kept);
        Assert.Equal(Verdict.Accepted, GenerationKey.Import(Roster, 4, kept, out var imported));
        imported!.Dispose();
        Assert.Equal(Verdict.BadKey, GenerationKey.Import(Roster, 3, kept, out var none));
        Assert.Null(none);
        Assert.Throws<ArgumentException>(() => GenerationKey.Import(Roster, 4, kept.AsSpan(1), out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => GenerationKey.Import(Roster, 5, kept, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => GenerationKey.Import(Roster, 0, kept, out _));
        Assert.Throws<ArgumentException>(() => _key.Export(new byte[31]));
        Assert.Throws<ArgumentOutOfRangeException>(() => GenerationKey.Create(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => GenerationKey.Create(1UL << 53));
    }

    [Fact]
    public void Newest_wrap_and_the_links_give_every_key()
    {
        using var ring = new KeyRing();
        var wrap = _key.WrapFor(Roster.LobbyId, Bob.Record);

        Assert.Equal(Verdict.NoKey, ring.WalkLinks(Roster, 4, out var stoppedAt));
        Assert.Equal(4UL, stoppedAt);
        Assert.Equal(Verdict.Accepted, ring.AddWrap(Roster, 4, Bob, wrap.Wrap.Span));
        Assert.Equal(Verdict.Accepted, ring.WalkLinks(Roster, 4, out stoppedAt));

        Assert.Equal(0UL, stoppedAt);
        Assert.Equal<ulong>([1, 2, 3, 4], ring.Generations.Order());
        Assert.All(ring.Generations, generation =>
            Assert.Equal(Roster.Generations[(int)generation - 1].Commit, ring[generation]!.Commit));
        Assert.Equal(Verdict.BadWrap, ring.AddWrap(Roster, 4, Bob, wrap.Wrap.Span[1..]));
    }

    [Fact]
    public void Walk_ends_at_a_bad_link_and_says_where()
    {
        var alice = SealingVectors.People["alice"];
        var state = SealingVectors.StateAt(SealingVectors.Main, 6)!;
        using var ring = new KeyRing();
        var (current, next) = (GenerationKey.Create(2), GenerationKey.Create(3));
        foreach (var change in new RosterChange[]
        {
            new RosterChange.Rotate(2, current.Commit, new byte[104]),
            new RosterChange.Rotate(3, next.Commit, next.Link(state.LobbyId, current)),
        })
        {
            var entry = RosterSigner.Sign(alice, state!, change);
            Assert.Equal(Verdict.Accepted, RosterState.Apply(state, entry, SealingVectors.Records, out state));
        }

        ring.Add(next);

        Assert.Equal(Verdict.BadBox, ring.WalkLinks(state!, 3, out var stoppedAt));
        Assert.Equal(1UL, stoppedAt);
        Assert.Equal<ulong>([2, 3], ring.Generations.Order());
        current.Dispose();
    }
}
