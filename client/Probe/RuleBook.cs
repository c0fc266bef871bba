namespace Conclave.Client.Probe;

/// <summary>Every rule, in the order in which they are tried.</summary>
static class RuleBook
{
    public static IReadOnlyList<Rule> All { get; } =
    [
        .. TransportRules.All, .. RequestRules.All, .. AccountRules.All, .. LobbyRules.All, .. MemberRules.All,
        .. MessageRules.All, .. ReadingRules.All, .. ErasureRules.All, .. PlainHttpRules.All,
    ];
}
