using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Conclave.Bench.Micro;

// In this process: a project that BenchmarkDotNet makes by itself would be under this repository's rules.
var config = DefaultConfig.Instance
    .AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance))
    .WithArtifactsPath("artifacts/bench/micro");
BenchmarkSwitcher.FromAssembly(typeof(RequestBench).Assembly).Run(args is [] ? ["--filter", "*"] : args, config);
