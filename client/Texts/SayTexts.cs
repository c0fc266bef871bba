namespace Conclave.Client.Texts;

/// <summary>What commands say: labels of results, sentences of the log, and what can go wrong on this side.</summary>
sealed record SayTexts
{
    public required string Hint { get; init; }

    // Labels.
    public required string Login { get; init; }
    public required string PublicToken { get; init; }
    public required string Registered { get; init; }
    public required string Server { get; init; }
    public required string SignedInUntil { get; init; }
    public required string Lobby { get; init; }
    public required string LobbyId { get; init; }
    public required string CreatedBy { get; init; }
    public required string CreatedAt { get; init; }
    public required string Rights { get; init; }
    public required string Since { get; init; }
    public required string Entries { get; init; }
    public required string SessionColumn { get; init; }
    public required string ProgramColumn { get; init; }
    public required string LastUsed { get; init; }
    public required string ThisSession { get; init; }

    // Outcomes.
    public required Func<string, string> NowSignIn { get; init; }
    public required Func<string, string> SignedOut { get; init; }
    public required string WasNotSignedIn { get; init; }
    public required Func<string, string, string, string> Invited { get; init; }
    public required Func<string, string, string, string> RightsSet { get; init; }
    public required Func<string, string, string> Removed { get; init; }
    public required Func<string, string> HasLeft { get; init; }
    public required Func<string, string, string> Renamed { get; init; }
    public required Func<string, string> Deleted { get; init; }
    public required Func<string, long, string> Erased { get; init; }
    public required Func<long, string> WasErased { get; init; }
    public required Func<string, long, string> Stored { get; init; }
    public required Func<long, string> Revoked { get; init; }
    public required Func<string, string> PasswordChanged { get; init; }
    public required string NoLobbies { get; init; }
    public required Func<string, string> Probing { get; init; }
    public required Func<long, long, string> ProbeSummary { get; init; }
    public required Func<long, string> RulesBroken { get; init; }
    public required Func<string, string> CannotProbe { get; init; }
    public required Func<string, string> Watching { get; init; }
    public required Func<long, string> EarlierExist { get; init; }
    public required Func<long, string> LaterExist { get; init; }
    public required string TypeText { get; init; }
    public required string Reconnecting { get; init; }
    public required string Reconnected { get; init; }

    // Entries of the log, after time and author.
    public required string CreatedLobby { get; init; }
    public required Func<string, string, string> InvitedMember { get; init; }
    public required Func<string, string, string> ChangedRights { get; init; }
    public required Func<string, string> RemovedMember { get; init; }
    public required string Left { get; init; }
    public required Func<string, string> RenamedLobby { get; init; }
    public required string Gone { get; init; }

    // Questions of commands.
    public required Func<string, string> AskPassword { get; init; }
    public required Func<string, string> AskNewPassword { get; init; }
    public required string AskPasswordAgain { get; init; }
    public required string AskCode { get; init; }
    public required Func<string, string> ConfirmDelete { get; init; }

    // What can go wrong on this side.
    public required Func<string, string> BadServer { get; init; }
    public required string BadServerHint { get; init; }
    public required Func<string, string> BadLogin { get; init; }
    public required string BadLoginHint { get; init; }
    public required string PasswordTooShort { get; init; }
    public required string PasswordTooLong { get; init; }
    public required string BadPasswordHint { get; init; }
    public required string PasswordsDiffer { get; init; }
    public required string PasswordNeeded { get; init; }
    public required Func<string, string, string> PasswordNeededHint { get; init; }
    public required string PasswordNotInArguments { get; init; }
    public required string SessionOrOthers { get; init; }
    public required Func<string, string> BadSession { get; init; }
    public required string BadSessionHint { get; init; }
    public required Func<string, string> BadLobbyName { get; init; }
    public required string BadLobbyNameHint { get; init; }
    public required string DeleteNeedsYes { get; init; }
    public required string NothingDone { get; init; }
    public required Func<string, string> BadEntryNumber { get; init; }
    public required string BadEntryNumberHint { get; init; }
    public required Func<string, string> BadTime { get; init; }
    public required string BadTimeHint { get; init; }
    public required Func<string, string> BadRight { get; init; }
    public required string BadRightHint { get; init; }
    public required string NotText { get; init; }
    public required string NotTextHint { get; init; }
    public required string NotJson { get; init; }
    public required string NotJsonHint { get; init; }
    public required string TextInPieces { get; init; }
    public required string NothingToSend { get; init; }
    public required string NothingToSendHint { get; init; }
    public required Func<string, string> NotSignedIn { get; init; }
    public required string NotSignedInHint { get; init; }
    public required Func<string, string> SignedInElsewhereHint { get; init; }
    public required Func<string, string> CannotReach { get; init; }
    public required string CannotReachHint { get; init; }
    public required string ConnectionLost { get; init; }
    public required string ConnectionLostHint { get; init; }
    public required Func<string, string> SessionFileOpen { get; init; }
    public required Func<string, string> SessionFileOpenHint { get; init; }
    public required Func<string, string> SessionFileBroken { get; init; }
    public required string SessionFileBrokenHint { get; init; }
    public required Func<string, string, string> FileUnusable { get; init; }
    public required Func<string, string> NoSuchFile { get; init; }
    public required string FileUnusableHint { get; init; }
    public required string NoTerminalForMenu { get; init; }
    public required Func<string, string> SeeHelp { get; init; }
    public required Func<string, string> CannotWrite { get; init; }
    public required string NeedsIcu { get; init; }
    public required Func<string, long, long, string> BadNumber { get; init; }
    public required Func<string, string> BadLanguage { get; init; }
    public required string OneEnd { get; init; }
}
