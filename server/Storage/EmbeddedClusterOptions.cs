namespace Conclave.Server.Storage;

/// <summary>How the server keeps a PostgreSQL of its own.</summary>
sealed record EmbeddedClusterOptions
{
    /// <summary>The server's data folder; the cluster lives in its subfolder <c>postgres</c>.</summary>
    public required string DataPath { get; init; }

    /// <summary>The folder of PostgreSQL's programs. Default: null, on PATH and in the usual places.</summary>
    public string? ProgramsPath { get; init; }

    /// <summary>Gives up surviving a power failure for speed: for data that are thrown away. Default: false.</summary>
    public bool Throwaway { get; init; }

    /// <summary>How many connections PostgreSQL accepts. Default: 100.</summary>
    public int ConnectionCountMax { get; init; } = 100;

    /// <summary>How long recovery from a crash may take before the start has failed. Default: ten minutes.</summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromMinutes(10);
}
