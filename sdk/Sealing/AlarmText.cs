namespace Conclave.Sdk.Sealing;

/// <summary>Says what a server was caught at. What to do about it is for people.</summary>
static class AlarmText
{
    public static AlarmException Of(Guid lobbyId, string? name, LobbyAlarm alarm)
    {
        var lobby = name ?? lobbyId.ToString();
        var what = alarm.Code switch
        {
            AlarmCode.Rollback =>
                $"The server shows less of {lobby} than it has shown before. It has lost entries, or hides them",
            AlarmCode.Fork =>
                $"The server shows another history of {lobby} than it has shown before, here or to another member",
            AlarmCode.Rewritten =>
                $"At entry {alarm.Seq} of {lobby} stands something else than this client has posted there",
            var code => $"Entry {alarm.Seq} of {lobby} is one that no honest server has ({code})",
        };
        return new AlarmException(alarm.Code, $"{what}. Nothing is posted there until you decide. Compare the lobby's "
            + "code with the other members over another channel, and ask the operator.")
        {
            LobbyId = lobbyId,
            Seq = alarm.Seq,
        };
    }

    public static AlarmException KeyChanged(string login, bool isSigned) => new(
        AlarmCode.KeyChanged,
        isSigned
            ? $"{login} has a new key, signed by the previous one. Ask {login} whether that is so, compare safety "
                + "numbers, and accept the key."
            : $"{login} has another key than before. Somebody may have put it in between. Ask {login} over another "
                + "channel, compare safety numbers, and accept the key if they agree.")
    {
        Login = login,
    };
}
