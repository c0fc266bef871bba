namespace Conclave.Client.Texts;

/// <summary>What the menu says of sealing, secrets and files.</summary>
sealed record SealMenuTexts
{
    // Items.
    public required MenuText Secrets { get; init; }
    public required MenuText Files { get; init; }
    public required MenuText Verify { get; init; }
    public required MenuText SealedLobby { get; init; }
    public required MenuText PlainLobby { get; init; }
    public required MenuText Code { get; init; }
    public required MenuText Rotate { get; init; }
    public required MenuText Alarm { get; init; }
    public required MenuText Dismiss { get; init; }
    public required MenuText Forget { get; init; }
    public required MenuText NewSecret { get; init; }
    public required MenuText ShowSecret { get; init; }
    public required MenuText ChangeSecret { get; init; }
    public required MenuText RetireSecret { get; init; }
    public required MenuText PutFile { get; init; }
    public required MenuText OtherPerson { get; init; }
    public required MenuText Same { get; init; }
    public required MenuText Different { get; init; }
    public required MenuText AcceptKey { get; init; }
    public required MenuText Identity { get; init; }
    public required MenuText Recovery { get; init; }
    public required MenuText Recover { get; init; }
    public required MenuText Reset { get; init; }
    public required MenuText Readmit { get; init; }
    public required MenuText SealAccount { get; init; }
    public required MenuText MeantSo { get; init; }

    // Questions.
    public required string ChooseKind { get; init; }
    public required string ChooseSecret { get; init; }
    public required string ChooseFile { get; init; }
    public required string ChoosePerson { get; init; }
    public required string AskSecretName { get; init; }
    public required string AskSecretValue { get; init; }
    public required string AskFilePath { get; init; }
    public required string AskFileTarget { get; init; }
    public required Func<string, string> WhatToDo { get; init; }
    public required Func<string, string> IsItMeant { get; init; }
    public required string PasswordWillBeSeen { get; init; }

    public required Func<string, string> AskReplace { get; init; }

    // Outcomes.
    public required string NoSecretYet { get; init; }
    public required string NoFileYet { get; init; }
    public required Func<string, string> NotVerifiedYet { get; init; }
    public required Func<string, string> SealedLobbyCreated { get; init; }
}
