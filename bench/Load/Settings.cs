using System.Globalization;
using System.Net;

namespace Conclave.Bench.Load;

/// <summary>What the command line says: a workload, then key=value for whatever is not as usual.</summary>
sealed class Settings
{
    readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);
    readonly HashSet<string> _asked = new(StringComparer.Ordinal);

    public Settings(IReadOnlyList<string> arguments)
    {
        if (arguments.Count == 0)
            throw new LoadException("usage: conclave-load posts|fanout|idle|replay|fill|many key=value ...");
        Workload = arguments[0];
        foreach (var argument in arguments.Skip(1))
        {
            if (argument.Split('=', 2) is not [var key, var value])
                throw new LoadException($"{argument} is not key=value");
            _values[key] = value;
        }
        Target = Text("target", "conclave");
        Server = IPEndPoint.Parse(Text("at", Target == "floor" ? "127.0.0.1:7730" : "127.0.0.1:7720"));
        Database = Text("database", "");
        Seconds = Number("seconds", 5);
        Warmup = Number("warmup", 1);
        Bytes = (int)Number("bytes", 256);
        ServerProcess = (int)Number("server", 0);
        PostgresProcess = (int)Number("postgres", 0);
    }

    public string Workload { get; }

    public string Target { get; }

    public IPEndPoint Server { get; }

    /// <summary>Where commits are counted; empty for nowhere.</summary>
    public string Database { get; }

    public double Seconds { get; }

    public double Warmup { get; }

    /// <summary>Size of what a post carries: a JSON string with its quotes.</summary>
    public int Bytes { get; }

    /// <summary>0 if its processor time is not asked for.</summary>
    public int ServerProcess { get; }

    /// <summary>The postmaster; 0 if its processor time is not asked for.</summary>
    public int PostgresProcess { get; }

    public int Count(string key, int usual) => (int)Number(key, usual);

    public double Number(string key, double usual)
    {
        _asked.Add(key);
        if (!_values.TryGetValue(key, out var text))
            return usual;
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number >= 0
            ? number
            : throw new LoadException($"{key} must be a number");
    }

    public string Text(string key, string usual)
    {
        _asked.Add(key);
        return _values.GetValueOrDefault(key, usual);
    }

    /// <summary>What was mistyped must not pass for something that was set.</summary>
    public void RequireAllKnown()
    {
        if (_values.Keys.FirstOrDefault(key => !_asked.Contains(key)) is { } unknown)
            throw new LoadException($"{Workload} knows no {unknown}");
    }
}
