using System.Diagnostics.Metrics;
using Conclave.Server.Actions;
using Conclave.Server.Connections;
using Conclave.Server.Lobbies;
using Conclave.Server.Storage;

namespace Conclave.Server;

/// <summary>
/// What is counted already and only has to be looked at when somebody asks (docs/operations.md, Metrics): whoever does
/// the work pays nothing for it.
/// </summary>
static class Gauges
{
    public static void Add(
        Meter meter, Rooms rooms, ConnectionList connections, SocketGate gate, PoolWatch pools)
    {
        meter.CreateObservableUpDownCounter(
            "conclave.sockets", () => gate.Count, "{socket}", "Sockets that are open, whatever they do.");
        AddConnections(meter, rooms, connections);
        AddDeliveries(meter, rooms.Live);
        AddQueues(meter, rooms, connections.Budgets);
        meter.CreateObservableUpDownCounter(
            "conclave.database.connections", () => pools.Look(), "{connection}", "Connections to PostgreSQL.");
    }

    static void AddConnections(Meter meter, Rooms rooms, ConnectionList connections)
    {
        meter.CreateObservableUpDownCounter(
            "conclave.connections",
            () => (Measurement<int>[])
            [
                new(connections.Count - connections.PostCount, Tag("transport", "websocket")),
                new(connections.PostCount, Tag("transport", "http")),
            ],
            "{connection}", "Connections that are served.");
        meter.CreateObservableUpDownCounter(
            "conclave.subscriptions", () => rooms.Live.CursorCount, "{subscription}", "Subscriptions that are open.");
    }

    static void AddDeliveries(Meter meter, LiveLobbies live)
    {
        meter.CreateObservableUpDownCounter(
            "conclave.lobbies.followed", () => live.LobbyCount, "{lobby}", "Lobbies that have subscribers here.");
        meter.CreateObservableUpDownCounter(
            "conclave.tails.size", () => live.TailBytes, "By", "What the last entries of those lobbies take.");
        meter.CreateObservableGauge(
            "conclave.delivery.behind", live.EntriesBehind, "{entry}",
            "Entries before the subscriber that is farthest behind.");
        meter.CreateObservableCounter(
            "conclave.pages", () => live.PageCount, "{page}", "Pages read for subscribers who catch up.");
        meter.CreateObservableCounter(
            "conclave.pages.entries", () => live.PageEntryCount, "{entry}", "Entries in those pages.");
    }

    static void AddQueues(Meter meter, Rooms rooms, RequestBudgets budgets)
    {
        meter.CreateObservableUpDownCounter(
            "conclave.writer.waiting", () => rooms.Writer.Waiting + rooms.SealedWriter.Waiting, "{post}",
            "Posts that wait for their commit.");
        meter.CreateObservableUpDownCounter(
            "conclave.passwords.running", () => rooms.Passwords.Load.Running, "{password}",
            "Passwords that are being hashed.");
        meter.CreateObservableUpDownCounter(
            "conclave.passwords.waiting", () => rooms.Passwords.Load.Waiting, "{password}",
            "Passwords that wait for that.");
        (string Name, ByteBudget Budget)[] all =
        [
            ("requests", budgets.Known),
            ("anonymous_requests", budgets.Anonymous),
            ("frames", rooms.Live.FrameBytes),
            ("large_entries", rooms.Live.EntryBytes.Whole),
        ];
        meter.CreateObservableUpDownCounter(
            "conclave.budget.taken",
            () => all.Select(one => new Measurement<long>(one.Budget.BytesTaken, Tag("budget", one.Name))),
            "By", "Memory that requests and entries on their way take from their budgets.");
        meter.CreateObservableUpDownCounter(
            "conclave.budget.waiting",
            () => all.Select(one => new Measurement<int>(one.Budget.Waiting, Tag("budget", one.Name))),
            "{connection}", "Who is not read or written because a budget is used up.");
    }

    static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);
}
