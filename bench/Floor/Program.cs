// The floor: the least that a durable server of rooms must do, as the yardstick of the bench. Posts come in over TCP,
// are stored in PostgreSQL in commits that many share, acknowledged after the commit, and sent to who follows the
// lobby. There are no users, tokens, rights or names, no JSON and no WebSocket; posts are not checked and not
// encrypted. What a server does beyond this shows as its distance from the floor.
using System.Globalization;
using System.Net;
using Conclave.Bench.Floor;
using Microsoft.AspNetCore.Connections;

var database = Environment.GetEnvironmentVariable("FLOOR_DATABASE");
if (string.IsNullOrEmpty(database))
{
    await Console.Error.WriteLineAsync("conclave-floor: FLOOR_DATABASE must name a database, as for Npgsql");
    return 2;
}
var port = int.Parse(Environment.GetEnvironmentVariable("FLOOR_PORT") ?? "7730", CultureInfo.InvariantCulture);

await using var store = await Store.OpenAsync(database);
var writer = new Writer(store, TimeProvider.System);

var builder = WebApplication.CreateSlimBuilder();
builder.Logging.ClearProviders();
// Sockets and threads as they come: what the server sets there made no difference here beyond the noise.
builder.WebHost.ConfigureKestrel(options =>
    options.Listen(IPAddress.Loopback, port, listen =>
        listen.Run(connection => new Peer(connection, writer, store).RunAsync())));
await using var app = builder.Build();
await app.StartAsync();
await Console.Out.WriteLineAsync("ready");

// Without its writer there is nothing left to serve.
await Task.WhenAny(writer.RunAsync(), app.WaitForShutdownAsync()).Unwrap();
return 0;
