using System.Globalization;
using System.Text;
using Conclave.Protocol;
using Conclave.Server.Actions;
using Conclave.Server.Lobbies;
using Conclave.Server.Storage;
using Conclave.Server.Writing;
using Conclave.Tests.Support;
using CsCheck;

namespace Conclave.Tests.Server.Writing;

/// <summary>
/// Random schedules of two servers on one database, held against <see cref="LobbyModel"/>: many post, invite, remove
/// and change rights, repeat nonces with the same and with other content, while others read, quickly and slowly.
/// CONCLAVE_TEST_MINUTES lets it go on for longer.
/// </summary>
public sealed class ConcurrencyTests(PostgresCluster postgres)
{
    const int LobbyCount = 2;
    const int UserCount = 4;

    // Drafts of one sender that are under way together.
    const int Window = 8;

    static readonly Gen<Step> Steps = Gen.Select(
        Gen.Int[0, LobbyCount - 1],
        Gen.Frequency(
            (12, Gen.Const(EntryKind.Message)),
            (3, Gen.Const(EntryKind.MemberInvited)),
            (1, Gen.Const(EntryKind.RightsChanged)),
            (2, Gen.Const(EntryKind.MemberRemoved))),
        Gen.Int[0, UserCount - 1],
        Gen.Frequency((2, Gen.Const(Rights.All)), (1, Gen.Const(Rights.Default)), (1, Gen.Const(Rights.Read))),
        Gen.Int[0, 30],
        Gen.Int[0, 3000],
        (lobby, kind, target, rights, repeats, size) => new Step(lobby, kind, target, rights, repeats, size));

    static readonly Gen<ReaderPlan> ReaderPlans = Gen.Select(
        Gen.Int[1, 20], Gen.Int[1, 6000], Gen.Int[1, 20], Gen.Int[0, 20], Gen.Double[0, 1],
        (countMax, bytesMax, dropAfter, pause, start) => new ReaderPlan(countMax, bytesMax, dropAfter, pause, start));

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    static int Seconds =>
        int.TryParse(
            Environment.GetEnvironmentVariable("CONCLAVE_TEST_MINUTES"), CultureInfo.InvariantCulture, out var minutes)
            ? 60 * minutes
            : -1;

    [Fact]
    public async Task Whatever_happens_at_once_everyone_sees_what_a_plain_lobby_would_show_them()
    {
        var limits = Limits.Default with { TailBytesBudget = 8000, BatchCountMax = 5, BatchBytesMax = 5000 };
        await using var one = await TestServer.StartAsync(postgres, limits);
        await using var two = await one.StartTwinAsync(limits);
        var users = new Person[UserCount];
        for (var number = 0; number < UserCount; number++)
        {
            users[number] = new Person($"user{number}", Guid.CreateVersion7());
            await one.Rooms.Users.AddAsync(users[number], "hash", Cancellation);
        }
        await Gen.Select(Steps.Array[1, 25].Array[2 * UserCount], ReaderPlans.Array[4 * UserCount]).SampleAsync(
            (plans, readers) => new Run([one.Rooms, two.Rooms], users).CheckAsync(plans, readers),
            iter: Seconds > 0 ? -1 : 8,
            time: Seconds,
            threads: 1,
            print: schedule => string.Join('\n', schedule.Item1.SelectMany(plan => plan)));
    }

    sealed record Step(int Lobby, EntryKind Kind, int Target, Rights Rights, int Repeats, int Size);

    sealed record ReaderPlan(int CountMax, int BytesMax, int DropAfter, int Pause, double Start);

    sealed record Read(int Lobby, Person User, long After, LogReader Reader, bool IsOpen);

    /// <summary>One schedule, in lobbies of its own.</summary>
    sealed class Run(Rooms[] servers, Person[] users)
    {
        readonly LobbyInfo[] _lobbies = new LobbyInfo[LobbyCount];
        readonly long[] _known = [1, 1];
        readonly List<(NewEntry Entry, Appended Result, long From, long To)> _outcomes = [];
        readonly List<Read> _reads = [];
        readonly TaskCompletionSource<long>[] _last =
            [.. Enumerable.Range(0, 2 * LobbyCount).Select(_ => new TaskCompletionSource<long>())];

        public async Task CheckAsync(Step[][] plans, ReaderPlan[] readers)
        {
            for (var number = 0; number < LobbyCount; number++)
                _lobbies[number] = await CreateAsync();
            Task[] reading =
                [.. readers.Select((plan, index) => Task.Run(() => ReadAsync(plan, index), Cancellation))];
            await Task.WhenAll(
                plans.Select((plan, index) => Task.Run(() => SendAsync(plan, index), Cancellation)));
            await FinishAsync();
            await Task.WhenAll(reading);
            for (var number = 0; number < LobbyCount; number++)
                await JudgeAsync(number);
        }

        async Task<LobbyInfo> CreateAsync()
        {
            var (lobby, wrappedKey) = servers[0].Lobbies.Draw();
            var draft = await servers[0].Writer.WriteAsync(
                new NewEntry
                {
                    Lobby = lobby,
                    Kind = EntryKind.LobbyCreated,
                    Author = users[0],
                    Nonce = Guid.NewGuid(),
                    Name = lobby.LobbyId.ToString(),
                    WrappedKey = wrappedKey,
                },
                Cancellation);
            Assert.Equal(Outcome.Stored, draft.Result.Outcome);
            return lobby;
        }

        // One sender, as a connection is: messages overlap, everything else waits for what came before.
        async Task SendAsync(Step[] plan, int index)
        {
            var (author, rooms) = (users[index / 2], servers[index % 2]);
            List<NewEntry> sent = [];
            List<(NewEntry Entry, Task<Draft> Writing, long From)> open = [];
            var stored = new long[LobbyCount];
            foreach (var step in plan)
            {
                if (step.Kind != EntryKind.Message || open.Count == Window)
                    await SettleAsync();
                var entry = EntryOf(step, author, sent);
                sent.Add(entry);
                var from = Interlocked.Read(ref _known[Array.IndexOf(_lobbies, entry.Lobby)]);
                open.Add((entry, rooms.Writer.WriteAsync(entry, Cancellation), from));
                if (step.Kind != EntryKind.Message)
                    await SettleAsync();
            }
            await SettleAsync();

            async Task SettleAsync()
            {
                foreach (var (entry, writing, from) in open)
                {
                    var result = (await writing.WaitAsync(TimeSpan.FromSeconds(30), Cancellation)).Result;
                    var lobby = Array.IndexOf(_lobbies, entry.Lobby);
                    if (result.Outcome == Outcome.Stored)
                    {
                        Assert.True(result.Seq > stored[lobby], "the order of a sender was not kept");
                        stored[lobby] = result.Seq;
                    }
                    var now = await rooms.Lobbies.StandingAsync(
                        entry.Lobby.LobbyId, author.PublicToken, Cancellation);
                    NoteKnown(lobby, now!.Value.LastSeq);
                    lock (_outcomes)
                        _outcomes.Add((entry, result, from, now.Value.LastSeq));
                }
                open.Clear();
            }
        }

        void NoteKnown(int lobby, long seq)
        {
            for (var known = Interlocked.Read(ref _known[lobby]); seq > known;)
            {
                var seen = Interlocked.CompareExchange(ref _known[lobby], seq, known);
                if (seen == known)
                    return;
                known = seen;
            }
        }

        NewEntry EntryOf(Step step, Person author, List<NewEntry> sent)
        {
            // Few repeat an earlier entry of theirs; of those, some with other content.
            if (step.Repeats < 4 && sent.Count > 0)
            {
                var earlier = sent[step.Target % sent.Count];
                if (step.Repeats < 2)
                    return earlier;
                return Entry(Array.IndexOf(_lobbies, earlier.Lobby), earlier.Nonce);
            }
            return Entry(step.Lobby, Guid.NewGuid());

            NewEntry Entry(int lobby, Guid nonce) => step.Kind == EntryKind.Message
                ? NewEntry.Message(
                    _lobbies[lobby], author, nonce, Encoding.UTF8.GetBytes($"\"{nonce}{new string('x', step.Size)}\""))
                : new NewEntry
                {
                    Lobby = _lobbies[lobby],
                    Kind = step.Kind,
                    Author = author,
                    Nonce = nonce,
                    Member = users[step.Target].PublicToken,
                    Rights = step.Kind is EntryKind.MemberInvited or EntryKind.RightsChanged ? step.Rights : null,
                };
        }

        // Each server hears of the other's entries with its own next one: here, at the latest, of all but the last.
        async Task FinishAsync()
        {
            for (var lobby = 0; lobby < LobbyCount; lobby++)
            {
                for (var server = 0; server < servers.Length; server++)
                {
                    // Whoever is an admin at the end: a lobby always keeps one.
                    var members = await servers[server].Lobbies.MembersAsync(
                        _lobbies[lobby].LobbyId, after: null, Cancellation);
                    var admin = members.First(member => member.Rights.HasFlag(Rights.Admin));
                    var entry = new NewEntry
                    {
                        Lobby = _lobbies[lobby],
                        Kind = EntryKind.RightsChanged,
                        Author = new Person(admin.Login, admin.PublicToken),
                        Nonce = Guid.NewGuid(),
                        Member = admin.PublicToken,
                        Rights = Rights.All,
                    };
                    var draft = await servers[server].Writer.WriteAsync(entry, Cancellation);
                    Assert.Equal(Outcome.Stored, draft.Result.Outcome);
                    _last[(2 * lobby) + server].SetResult(draft.Result.Seq);
                }
            }
        }

        // Reads until the end or until it is removed, then tries again from another place.
        async Task ReadAsync(ReaderPlan plan, int index)
        {
            var (lobby, server, user) = (index / 2 % LobbyCount, index % 2, users[index / (2 * LobbyCount)]);
            var rooms = servers[server];
            var last = _last[(2 * lobby) + server].Task;
            for (var attempt = 0; attempt < 20; attempt++)
            {
                var isAtEnd = last.IsCompleted;
                var after = (long)(plan.Start * Interlocked.Read(ref _known[lobby]));
                var reader = new LogReader(rooms.Live, plan.CountMax, plan.BytesMax) { DropAfter = plan.DropAfter };
                var isOpen = await reader.OpenAsync(_lobbies[lobby], user, after, Cancellation);
                if (isOpen)
                {
                    await reader.ReadAsync(last, plan.Pause, Cancellation);
                    reader.Close();
                }
                lock (_reads)
                    _reads.Add(new Read(lobby, user, after, reader, isOpen));
                if (isAtEnd)
                    return;
            }
        }

        async Task JudgeAsync(int lobby)
        {
            var model = new LobbyModel(await servers[0].Entries.ReadAsync(
                _lobbies[lobby], new PageRange(0, Backward: false, int.MaxValue, int.MaxValue), Cancellation));
            foreach (var (entry, result, from, to) in _outcomes)
            {
                if (entry.Lobby == _lobbies[lobby])
                    JudgeOutcome(model, entry, result, from, to);
            }
            foreach (var read in _reads.Where(read => read.Lobby == lobby))
                JudgeRead(model, read);
        }

        static void JudgeOutcome(LobbyModel model, NewEntry entry, Appended result, long from, long to)
        {
            if (result.Outcome is Outcome.Stored or Outcome.Duplicate)
            {
                var stored = model.Log[(int)result.Seq - 1];
                Assert.Equal((entry.Author, entry.Nonce, result.SentAt), (stored.Author, stored.Nonce, stored.SentAt));
                Assert.True(entry.RowData.Span.SequenceEqual(stored.RowData.Span), "other bytes were stored");
                Assert.InRange(result.Seq, result.Outcome == Outcome.Stored ? from + 1 : 1, to);
            }
            // Somewhere between asking and being answered that was the right verdict; for what was stored, right there.
            var places = result.Outcome == Outcome.Stored
                ? [result.Seq - 1]
                : Enumerable.Range((int)from, (int)(to - from) + 1).Select(at => (long)at);
            Assert.True(
                places.Any(at => model.Judge(entry, at) == result.Outcome),
                $"{entry.Kind} was judged {result.Outcome} between {from} and {to}");
        }

        static void JudgeRead(LobbyModel model, Read read)
        {
            var (lobby, user, after, reader, isOpen) = read;
            var standing = reader.Standing;
            var (rights, since) = model.Member(user.PublicToken, standing.LastSeq);
            Assert.Equal((rights, since), (standing.Rights, standing.SinceSeq));
            Assert.Equal(isOpen, rights != Rights.None);
            if (!isOpen)
                return;
            var seqs = reader.Seqs.ToArray();
            Assert.Equal(Enumerable.Range((int)after + 1, seqs.Length).Select(seq => (long)seq), seqs);
            if (model.EndOf(user.PublicToken, since) is { } end)
                Assert.Equal(end, seqs[^1]);
            else
                Assert.True(seqs.Length > 0 && seqs[^1] >= model.Log.Count - 1, "entries were never delivered");
            foreach (var frame in reader.Frames)
            {
                var stored = model.Log[(int)frame.Seq - 1];
                var expected = new EntryEncoder(stored.LobbyId, $"{stored.LobbyId}").Encode(stored);
                Assert.True(frame.Json.Span.SequenceEqual(expected.Json.Span), "other bytes were delivered");
            }
        }
    }
}
