using System.Text;
using Conclave.Protocol;
using Conclave.Server.Lobbies;
using Conclave.Server.Storage;
using Conclave.Tests.Support;
using static Conclave.Tests.Support.StorageRooms;

namespace Conclave.Tests.Server.Lobbies;

/// <summary>
/// What a server holds of a message - in a tail, in a page that is read, in a page on its way, in the writer's hand -
/// when it is erased, or when its time has come.
/// </summary>
public sealed class HeldContentTests(PostgresCluster postgres) : IAsyncLifetime
{
    StorageRooms? _rooms;
    LiveLobbies? _live;
    Erasures? _erasures;
    Person? _alice;
    LobbyInfo? _lobby;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _rooms = await OpenAsync(postgres);
        _live = new LiveLobbies(_rooms.Lobbies, _rooms.Entries, Limits.Default);
        _erasures = new Erasures(new ErasureStore(_rooms.Database), _rooms.Lobbies, _live);
        _alice = await _rooms.AddUserAsync("alice");
        _lobby = await _rooms.CreateLobbyAsync(_alice);
    }

    public async ValueTask DisposeAsync()
    {
        _live!.Dispose();
        await _rooms!.DisposeAsync();
    }

    [Fact]
    public async Task Tail_forgets_what_is_erased_and_tells_those_who_have_it()
    {
        var (ahead, behind) = (await FollowAsync(after: null), await FollowAsync(after: null));
        await PostAsync(3);
        await ahead.ReadAsync(4, Cancellation);
        await EraseAsync(3);
        await PostAsync(1);
        await ahead.ReadAsync(5, Cancellation);
        await behind.ReadAsync(5, Cancellation);
        Assert.Equal(["2", "3", "4", "5"], ahead.Frames.Select(Line));
        Assert.Equal(["3 deleted"], ahead.Hints.Select(hint => $"{hint.DeletedSeq} {hint.Reason}"));
        Assert.Equal(["2", "3 gone", "4", "5"], behind.Frames.Select(Line));
        Assert.Empty(behind.Hints);
    }

    [Fact]
    public async Task Entry_that_its_writer_publishes_after_the_erasure_comes_without_content()
    {
        var reader = await FollowAsync(after: null);
        await _rooms!.AppendAsync(Message(_lobby!, _alice!, "secret"));
        var published = await _rooms.LogAsync(_lobby!);
        await EraseAsync(2);
        _live!.Append(_lobby!.LobbyId, [published[1]]);
        await PostAsync(1);
        await reader.ReadAsync(3, Cancellation);
        Assert.Equal(["2 gone", "3"], reader.Frames.Select(Line));
    }

    [Fact]
    public async Task Page_that_was_read_before_the_erasure_is_read_again()
    {
        await PostAsync(3);
        var (held, arriving) = (await FollowAsync(after: 0), await FollowAsync(after: 0));
        // One is in the cursor's hand already, one is still on its way there.
        Assert.True(await held.PullAsync(Cancellation));
        var page = await _live!.TryReadPageAsync(arriving.Cursor, Cancellation);
        await EraseAsync(3);
        arriving.Cursor.SetPage(page!);
        foreach (var reader in (LogReader[])[held, arriving])
        {
            await reader.ReadAsync(4, Cancellation);
            Assert.Equal(["1", "2", "3 gone", "4"], reader.Frames.Select(Line));
        }
    }

    [Fact]
    public async Task Erasures_elsewhere_in_the_log_do_not_hold_up_who_reads_pages()
    {
        await PostAsync(6);
        var reader = new LogReader(_live!, countMax: 1);
        await reader.OpenAsync(_lobby!, _alice!, after: 4, Cancellation);
        Assert.True(await reader.PullAsync(Cancellation));
        await EraseAsync(2);
        await EraseAsync(3);
        // To do it again is to do nothing.
        await EraseAsync(3);
        await reader.ReadAsync(7, Cancellation);
        Assert.Equal(["5", "6", "7"], reader.Frames.Select(Line));
        Assert.Equal(1, reader.Pages);
    }

    [Fact]
    public async Task Content_expires_in_the_tail_and_in_pages_by_the_clock_of_the_database()
    {
        var live = await FollowAsync(after: null);
        await AppendAsync(NewEntry.Message(_lobby!, _alice!, Guid.NewGuid(), "\"brief\""u8.ToArray(), expiresIn: 1));
        var stored = await FollowAsync(after: 0);
        // A page lies ready in one, the tail is ready for the other.
        Assert.True(await stored.PullAsync(Cancellation));
        Assert.Equal(1, stored.Pages);
        await _rooms!.RunAsync("SELECT pg_sleep_until(max(expires_at)) FROM entries");
        await live.ReadAsync(2, Cancellation);
        await stored.ReadAsync(2, Cancellation);
        Assert.Equal(["2 gone"], live.Frames.Select(Line));
        Assert.Equal(["1", "2 gone"], stored.Frames.Select(Line));
        Assert.Equal(2L, await _rooms.RunAsync("SELECT max(seq) FROM entries WHERE body IS NOT NULL"));
    }

    [Fact]
    public async Task Cursor_that_is_opened_while_its_lobby_is_deleted_ends()
    {
        var reader = await FollowAsync(after: null);
        await new ErasureStore(_rooms!.Database).DeleteAsync(_lobby!.LobbyId, author: null);
        _live!.Delete(_lobby.LobbyId);
        // It found the lobby a moment before, and comes a moment after.
        var standing = new Standing(1, "den", Rights.All, 1);
        var late = new Cursor(
            _lobby, LogReader.SessionOf(_alice!), standing, 1, reader.Cursor.Tail, new DueCursors(new Signal()));
        reader.Cursor.Tail.Attach(late, standing);
        foreach (var cursor in (Cursor[])[reader.Cursor, late])
        {
            Assert.True(cursor.IsEnded);
            Assert.Equal(EventName.LobbyDeleted, cursor.TakeHint()!.Event);
        }
    }

    async Task<LogReader> FollowAsync(long? after)
    {
        var reader = new LogReader(_live!);
        Assert.True(await reader.OpenAsync(_lobby!, _alice!, after, Cancellation));
        return reader;
    }

    async Task PostAsync(int count)
    {
        for (var posted = 0; posted < count; posted++)
            await AppendAsync(Message(_lobby!, _alice!, "secret"));
    }

    async Task AppendAsync(NewEntry entry)
    {
        var appended = await _rooms!.AppendAsync(entry);
        var range = new PageRange(appended.Seq - 1, Backward: false, 1, int.MaxValue);
        _live!.Append(_lobby!.LobbyId, await _rooms.Entries.ReadAsync(_lobby, range, Cancellation));
    }

    async Task EraseAsync(long seq) => Assert.Equal(Outcome.Stored, await _erasures!.EraseAsync(_lobby!, _alice!, seq));

    static string Line(EntryFrame frame) =>
        Encoding.UTF8.GetString(frame.Json.Span).Contains("\"gone\":true", StringComparison.Ordinal)
            ? $"{frame.Seq} gone"
            : $"{frame.Seq}";
}
