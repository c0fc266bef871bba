namespace Conclave.Bench.Rounds;

/// <summary>The bench cannot go on; the message says why.</summary>
sealed class BenchException(string message) : Exception(message);
