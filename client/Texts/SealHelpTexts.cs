namespace Conclave.Client.Texts;

/// <summary>What <c>--help</c> says of sealing, secrets and files.</summary>
sealed record SealHelpTexts
{
    public required string Verify { get; init; }
    public required string AcceptKey { get; init; }
    public required string Contacts { get; init; }
    public required string LobbyPlain { get; init; }
    public required string LobbyCode { get; init; }
    public required string LobbyRotate { get; init; }
    public required string LobbySucceed { get; init; }
    public required string LobbyAlarm { get; init; }
    public required string Readmit { get; init; }
    public required string AccountGroup { get; init; }
    public required string AccountSeal { get; init; }
    public required string AccountRecovery { get; init; }
    public required string AccountRecover { get; init; }
    public required string AccountReset { get; init; }
    public required string SecretGroup { get; init; }
    public required string SecretSet { get; init; }
    public required string SecretGet { get; init; }
    public required string SecretList { get; init; }
    public required string SecretRetire { get; init; }
    public required string FileGroup { get; init; }
    public required string FilePut { get; init; }
    public required string FileGet { get; init; }
    public required string FileList { get; init; }

    public required string Plain { get; init; }
    public required string FromJoin { get; init; }
    public required string PlainAccount { get; init; }
    public required string LoginToWipe { get; init; }
    public required string SafetyNumber { get; init; }
    public required string Fingerprint { get; init; }
    public required string NewFingerprint { get; init; }
    public required string RecoveryFile { get; init; }
    public required string Yes { get; init; }
    public required string Dismiss { get; init; }
    public required string Forget { get; init; }
    public required string LobbyToDecide { get; init; }
    public required string SecretName { get; init; }
    public required string SecretFile { get; init; }
    public required string Fields { get; init; }
    public required string Field { get; init; }
    public required string Previous { get; init; }
    public required string LocalFile { get; init; }
    public required string FileName { get; init; }
    public required string Mime { get; init; }
    public required string To { get; init; }
}
