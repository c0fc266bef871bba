namespace Conclave.Client.Texts;

/// <summary>What commands say of sealed lobbies, of people's keys, and of secrets and files.</summary>
sealed record SealSayTexts
{
    // Labels.
    public required string Kind { get; init; }
    public required string IsSealed { get; init; }
    public required string IsPlain { get; init; }
    public required string Fingerprint { get; init; }
    public required string SafetyNumber { get; init; }
    public required string NewFingerprint { get; init; }
    public required string NewSafetyNumber { get; init; }
    public required string KeyColumn { get; init; }
    public required string Verified { get; init; }
    public required string NotVerified { get; init; }
    public required string KeyChanged { get; init; }
    public required string InvitedBy { get; init; }
    public required string MadeIt { get; init; }
    public required string Code { get; init; }
    public required string AtEntry { get; init; }
    public required string NameColumn { get; init; }
    public required string EntryColumn { get; init; }
    public required string ByColumn { get; init; }
    public required string StoredColumn { get; init; }
    public required string BytesColumn { get; init; }
    public required string TypeColumn { get; init; }

    // Entries of the log, after time and author.
    public required string Unverified { get; init; }
    public required string Unconfirmed { get; init; }
    public required string RotatedKey { get; init; }
    public required Func<string, string> SucceededIdentity { get; init; }
    public required Func<string, string> SetSecret { get; init; }
    public required Func<string, string> RetiredSecret { get; init; }
    public required Func<string, string, string> PutFile { get; init; }
    public required string PieceOfFile { get; init; }
    public required string Index { get; init; }
    public required Func<string, string> Unsupported { get; init; }
    public required string BeforeYouJoined { get; init; }
    public required Func<string, string> DoesNotOpen { get; init; }

    // Outcomes and questions.
    public required string Yes { get; init; }
    public required string PlainMeans { get; init; }
    public required Func<string, string> DeclaredPlain { get; init; }
    public required Func<string, string> AskPlain { get; init; }
    public required Func<string, string> PlainById { get; init; }
    public required Func<string, string> ById { get; init; }
    public required string IsSealedAnyway { get; init; }
    public required string IsSealedAnywayHint { get; init; }
    public required string OnlySealed { get; init; }
    public required string OnlySealedHint { get; init; }
    public required Func<string, string> Compare { get; init; }
    public required string SayItIsTheSame { get; init; }
    public required Func<string, string> AskSame { get; init; }
    public required Func<string, string> MarkedVerified { get; init; }
    public required Func<string, string> NotMarked { get; init; }
    public required Func<string, string> NumbersDiffer { get; init; }
    public required string NumbersDifferHint { get; init; }
    public required Func<string, string> OtherFingerprint { get; init; }
    public required string SignedChange { get; init; }
    public required string UnsignedChange { get; init; }
    public required Func<string, string> NoNewKey { get; init; }
    public required Func<string, string> AskAccept { get; init; }
    public required Func<string, string> AcceptedKey { get; init; }
    public required Func<string, string> NotVerifiedYet { get; init; }
    public required string NoContacts { get; init; }
    public required Func<string, string> Rotated { get; init; }
    public required string CompareCode { get; init; }
    public required string HistoryUnconfirmed { get; init; }
    public required Func<string, string> RotationDue { get; init; }
    public required Func<string, string> NoAlarm { get; init; }
    public required Func<string, string> AlarmDismissed { get; init; }
    public required Func<string, string> LobbyForgotten { get; init; }
    public required string DismissOrForget { get; init; }
    public required string DecideById { get; init; }
    public required Func<string, string> DecideByIdHint { get; init; }
    public required string ConfirmationNeeded { get; init; }
    public required Func<string, string> ConfirmationNeededHint { get; init; }
    public required string RecoveryMeans { get; init; }
    public required string AskRecovery { get; init; }
    public required string OnlyKeysWiped { get; init; }
    public required Func<string, string> KeysWiped { get; init; }
    public required Func<string, string> NoKeysToWipe { get; init; }
    public required string KeysMayBeLeft { get; init; }
    public required string AskRecoveryCode { get; init; }
    public required Func<string, string> AccountRecovered { get; init; }
    public required string ResetMeans { get; init; }
    public required string AskReset { get; init; }
    public required Func<string, string> IdentityReset { get; init; }
    public required string AfterReset { get; init; }
    public required Func<string, string> Succeeded { get; init; }
    public required Func<string, string, string> NotSucceeded { get; init; }
    public required Func<string, string> NothingToSucceed { get; init; }
    public required Func<string, string, string> MadeBy { get; init; }
    public required Func<string, string, string, string> MadeAndInvited { get; init; }
    public required Func<string, string> AccountSealed { get; init; }
    public required Func<string, string> AccountSealedAlready { get; init; }

    // Secrets and files.
    public required Func<string, string> AskSecret { get; init; }
    public required string SecretNeeded { get; init; }
    public required string SecretNeededHint { get; init; }
    public required string SecretNotInArguments { get; init; }
    public required string NotFields { get; init; }
    public required string NotFieldsHint { get; init; }
    public required Func<string, string, string> Retired { get; init; }
    public required Func<string, string> NoSuchSecret { get; init; }
    public required Func<string, string> NoSuchSecretHint { get; init; }
    public required Func<string, string> NoSuchField { get; init; }
    public required Func<string, string> NoSuchFieldHint { get; init; }
    public required Func<string, string> NoSecrets { get; init; }
    public required Func<long, string> SecretConflict { get; init; }
    public required string SecretConflictHint { get; init; }
    public required Func<string, string> NoSuchLobbyFile { get; init; }
    public required Func<string, string> NoSuchLobbyFileHint { get; init; }
    public required Func<string, string> NoFiles { get; init; }
    public required string FileNameNeeded { get; init; }
    public required string FileNameNeededHint { get; init; }
    public required string FileToTerminal { get; init; }
    public required string FileToTerminalHint { get; init; }
    public required Func<string, string> IsFolder { get; init; }
    public required Func<string, string, string> FileWritten { get; init; }
    public required Func<string, string> BadName { get; init; }
    public required string BadNameHint { get; init; }

    // What can go wrong on this side.
    public required Func<string, string> StateUnusable { get; init; }
    public required string StateUnusableHint { get; init; }
}
