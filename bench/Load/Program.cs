// The load generator: one thread that drives thousands of connections with frames that were made beforehand, and
// reads what comes by looking for the few bytes that matter. It checks all of it: nothing lost, doubled, reordered
// or altered. One line of JSON says what was measured.
using Conclave.Bench.Load;
using Conclave.Bench.Load.Workloads;

try
{
    var settings = new Settings(args);
    using Workload workload = settings.Workload switch
    {
        "posts" or "fill" => new Posting(settings),
        "fanout" => new Fanout(settings),
        "many" => new Many(settings),
        "idle" => new Idle(settings),
        "replay" => new Replay(settings),
        _ => throw new LoadException($"there is no workload {settings.Workload}"),
    };
    workload.Run();
    Console.WriteLine(workload.Result.ToJson());
    return workload.Result.IsGood ? 0 : 1;
}
catch (LoadException fault)
{
    Console.Error.WriteLine("conclave-load: " + fault.Message);
    return 1;
}
