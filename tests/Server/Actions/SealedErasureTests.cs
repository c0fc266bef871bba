using System.Text;
using Conclave.Roster;
using Conclave.Sealing;
using Conclave.Tests.Support;

namespace Conclave.Tests.Server.Actions;

/// <summary>What is left in a sealed lobby of a message whose content is gone: enough for the transcript.</summary>
public sealed class SealedErasureTests(SharedServer server) : IClassFixture<SharedServer>
{
    [Fact]
    public async Task Deleted_message_leaves_its_hash_and_entries_of_the_roster_cannot_be_deleted()
    {
        await using var alice = await SignUpAsync();
        await using var bob = await SignUpAsync();
        using var den = await SealedDen.CreateAsync(alice, server.Fresh("den"));
        await den.ChangeAsync(alice, den.Invitation(alice, bob));
        var id = SealedMessage.NewId();
        var row = den.Seal(bob, "to be deleted", id);
        den.Take(bob, row, await bob.Client.DoAsync(den.Message(row, id)));
        await den.PostAsync(alice, "stays");
        Assert.Equal("no_such_message", await alice.Client.RefusedAsync(Delete(den, 1)));
        Assert.Equal("no_such_message", await alice.Client.RefusedAsync(Delete(den, 2)));
        await alice.Client.DoAsync(Delete(den, 3));

        await AssertTranscriptAsync(den, bob, gone: 3);
        // It is still the answer to whoever sends it again, and the lobby goes on.
        var again = await bob.Client.DoAsync(den.Message(row, id));
        Assert.Equal((3, true), (again["seq"]!.GetValue<int>(), again["duplicate"]!.GetValue<bool>()));
        await den.PostAsync(bob, "goes on");
    }

    [Fact]
    public async Task Message_that_expires_leaves_its_hash()
    {
        await using var alice = await SignUpAsync();
        using var den = await SealedDen.CreateAsync(alice, server.Fresh("den"));
        var id = SealedMessage.NewId();
        var row = den.Seal(alice, "for a second", id);
        var text = den.Message(row, id).TrimEnd('}') + ",\"expires_in\":1}";
        den.Take(alice, row, await alice.Client.DoAsync(text));
        await alice.Client.DoAsync($$"""{"action":"subscribe",{{den.Where}},"after":1}""");
        var told = await alice.Client.EntryAsync();
        Assert.NotNull(told["expires_at"]);
        while (true)
        {
            var hint = await alice.Client.EventAsync();
            if (hint["event"]!.GetValue<string>() == "message_deleted")
                break;
        }
        await AssertTranscriptAsync(den, alice, gone: 2);
        await den.PostAsync(alice, "goes on");
    }

    // A reader who was not there computes the same transcript, with a hash in the place of the row.
    static async Task AssertTranscriptAsync(SealedDen den, SealingUser reader, int gone)
    {
        var page = await reader.Client.DoAsync($$"""{"action":"history",{{den.Where}},"after":0}""");
        var point = new LogPoint(0, Transcript.Start(den.LobbyId));
        foreach (var told in page["events"]!.AsArray())
        {
            var isGone = told!["seq"]!.GetValue<int>() == gone;
            Assert.Equal(isGone, told["gone"]?.GetValue<bool>() ?? false);
            Digest hash;
            if (isGone)
            {
                Assert.Null(told["row_data"]);
                Assert.True(Digest.TryParse(told["row_hash"]!.GetValue<string>(), out hash));
            }
            else
            {
                hash = Transcript.RowHash(Encoding.UTF8.GetBytes(told["row_data"]!.ToJsonString()));
            }
            point = point.Next(told["from"]!["public_token"]!.GetValue<Guid>(), hash);
        }
        Assert.Equal(page["hash"]!.GetValue<string>(), point.Hash.ToString());
        Assert.Equal(den.Log.HashAt(point.Seq), point.Hash);
    }

    Task<SealingUser> SignUpAsync() => SealingUser.SignUpAsync(server.Server, server.Fresh("user"));

    static string Delete(SealedDen den, int seq) =>
        $$"""{"action":"delete_message",{{den.Where}},"seq":{{seq}}}""";
}
