namespace Conclave.Server.Operator;

/// <summary>A command cannot do what it was asked to: the message says why, and what to do.</summary>
sealed class OperatorException(string message) : Exception(message);
