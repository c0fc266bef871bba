namespace Conclave.Server.Storage;

/// <summary>
/// The server cannot start, and the operator can change that: the message is one sentence that says what to do.
/// </summary>
sealed class StartupException(string message) : Exception(message);
