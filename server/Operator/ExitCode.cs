namespace Conclave.Server.Operator;

/// <summary>How the program ends; scripts rely on it (docs/operations.md).</summary>
static class ExitCode
{
    public const int Done = 0;

    /// <summary>Nothing was done, or a check found something: standard error says what.</summary>
    public const int Failed = 1;

    /// <summary>The command line is wrong; nothing was tried.</summary>
    public const int Usage = 2;
}
