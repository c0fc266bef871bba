namespace Conclave.Client.Texts;

/// <summary>An item of the menu: its name, and a hint at what it is for.</summary>
sealed record MenuText(string Name, string Hint);

/// <summary>What the menu says.</summary>
sealed record MenuTexts
{
    public required string Keys { get; init; }
    public required Func<string, string, string> SignedInAs { get; init; }
    public required Func<string, string> SignedOutAt { get; init; }
    public required string Choose { get; init; }
    public required string More { get; init; }

    // Items.
    public required MenuText Register { get; init; }
    public required MenuText SignIn { get; init; }
    public required MenuText MyLobbies { get; init; }
    public required MenuText CreateLobby { get; init; }
    public required MenuText Invite { get; init; }
    public required MenuText Send { get; init; }
    public required MenuText Watch { get; init; }
    public required MenuText History { get; init; }
    public required MenuText Members { get; init; }
    public required MenuText Manage { get; init; }
    public required MenuText ChangeRights { get; init; }
    public required MenuText RemoveMember { get; init; }
    public required MenuText Rename { get; init; }
    public required MenuText EraseMessage { get; init; }
    public required MenuText DeleteLobby { get; init; }
    public required MenuText Leave { get; init; }
    public required MenuText User { get; init; }
    public required MenuText Lobby { get; init; }
    public required MenuText Sessions { get; init; }
    public required MenuText AllOthers { get; init; }
    public required MenuText Password { get; init; }
    public required MenuText SignOut { get; init; }
    public required MenuText Server { get; init; }
    public required MenuText OtherLanguage { get; init; }
    public required MenuText Quit { get; init; }
    public required MenuText Earlier { get; init; }
    public required MenuText Back { get; init; }

    // Questions; an empty answer or Esc goes back.
    public required string GoBack { get; init; }
    public required string AskLogin { get; init; }
    public required string AskNewLogin { get; init; }
    public required string AskPassword { get; init; }
    public required string AskNewPassword { get; init; }
    public required string AskPasswordAgain { get; init; }
    public required string AskOldPassword { get; init; }
    public required string AskCode { get; init; }
    public required string ChooseSession { get; init; }
    public required string AskLobbyName { get; init; }
    public required string AskNewLobbyName { get; init; }
    public required string AskInvited { get; init; }
    public required string AskText { get; init; }
    public required string AskServer { get; init; }
    public required string ChooseLobby { get; init; }
    public required string ChooseMessage { get; init; }
    public required string ChooseMember { get; init; }
    public required Func<string, string, string> AskRemove { get; init; }
    public required Func<string, string> AskLeave { get; init; }
    public required string ChooseRights { get; init; }
    public required string ChooseRightsKeys { get; init; }
    public required string RightWrite { get; init; }
    public required string RightInvite { get; init; }
    public required string RightAdmin { get; init; }

    // Outcomes.
    public required Func<string, string> Registered { get; init; }
    public required Func<string, string> SignedIn { get; init; }
    public required Func<string, string> LobbyCreated { get; init; }
    public required string NothingToErase { get; init; }
    public required string NobodyElse { get; init; }
    public required string NoLobbyYet { get; init; }
    public required Func<string, string> WatchKeys { get; init; }
    public required string EarlierExist { get; init; }
    public required string WatchEnded { get; init; }
    public required Func<string, string> Goodbye { get; init; }
}
