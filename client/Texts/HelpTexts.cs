namespace Conclave.Client.Texts;

/// <summary>What <c>--help</c> says of commands, arguments and options.</summary>
sealed record HelpTexts
{
    public required string Program { get; init; }
    public required string Description { get; init; }
    public required string AnyCommand { get; init; }
    public required string AnyOptions { get; init; }
    public required string ShowHelp { get; init; }
    public required string Version { get; init; }
    public required string Server { get; init; }
    public required string Lang { get; init; }
    public required string Json { get; init; }

    public required string Register { get; init; }
    public required string SignIn { get; init; }
    public required string SignOut { get; init; }
    public required string Whoami { get; init; }
    public required string User { get; init; }
    public required string Sessions { get; init; }
    public required string Revoke { get; init; }
    public required string Password { get; init; }
    public required string LobbyGroup { get; init; }
    public required string LobbyCreate { get; init; }
    public required string LobbyShow { get; init; }
    public required string LobbyList { get; init; }
    public required string LobbyMembers { get; init; }
    public required string Invite { get; init; }
    public required string SetRights { get; init; }
    public required string Remove { get; init; }
    public required string Leave { get; init; }
    public required string Rename { get; init; }
    public required string Delete { get; init; }
    public required string Send { get; init; }
    public required string Watch { get; init; }
    public required string History { get; init; }
    public required string Erase { get; init; }
    public required string Probe { get; init; }

    public required string NewLogin { get; init; }
    public required string OwnLogin { get; init; }
    public required string AnyLogin { get; init; }
    public required string PasswordFile { get; init; }
    public required string NewPasswordFile { get; init; }
    public required string CodeFile { get; init; }
    public required string SessionId { get; init; }
    public required string Others { get; init; }
    public required string NewLobby { get; init; }
    public required string Lobby { get; init; }
    public required string InvitedLogin { get; init; }
    public required string MemberLogin { get; init; }
    public required string Rights { get; init; }
    public required string Text { get; init; }
    public required string JsonValue { get; init; }
    public required string ExpiresIn { get; init; }
    public required string TimeName { get; init; }
    public required string EntryNumber { get; init; }
    public required string Yes { get; init; }
    public required string From { get; init; }
    public required string After { get; init; }
    public required string Before { get; init; }
    public required string Limit { get; init; }
    public required string ProbedServer { get; init; }
}
