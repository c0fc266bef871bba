namespace Conclave.Server.Accounts;

/// <summary>What a password check found.</summary>
enum PasswordVerdict
{
    /// <summary>The password is not the one of that hash, or there is no such account.</summary>
    Mismatch,

    Match,

    /// <summary>Nothing was checked, because too many checks wait already: to be answered <c>busy</c>.</summary>
    Overloaded,
}
