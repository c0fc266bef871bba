using System.Text;
using System.Text.Json;
using BenchmarkDotNet.Attributes;
using Conclave.Protocol;

namespace Conclave.Bench.Micro;

/// <summary>Reading a <c>message</c> request from its bytes, beside what a document of the framework takes.</summary>
[MemoryDiagnoser]
public class RequestBench
{
    readonly byte[] _frame = Encoding.UTF8.GetBytes(
        $$"""
        {"action":"message","token":"10000000-0000-4000-8000-000000000000","lobby_name":"bench-0",
        "nonce":"01a20443-f2b5-7515-a515-deadbbcc8229","row_data":"{{new string('x', 254)}}"}
        """);

    [Benchmark(Baseline = true)]
    public int Document()
    {
        using var document = JsonDocument.Parse(_frame);
        return document.RootElement.GetPropertyCount();
    }

    [Benchmark]
    public int Message()
    {
        var request = Request.Read(_frame)!;
        _ = request.Lobby();
        _ = request.Nonce();
        return request.RowData().Utf8.Length;
    }
}
