using Conclave.Protocol;

namespace Conclave.Server.Actions;

/// <summary>How a login's password is stretched: whoever wants to sign in must know that first.</summary>
static class Kdf
{
    public static string Read(Request request) => request.Login();

    public static async ValueTask<Answer> RunAsync(string login, Turn turn)
    {
        var (isUser, kdf) = await turn.Rooms.Outage.RideAsync(
            async () => await turn.Rooms.Identities.FindKdfAsync(login, turn.Cancellation), turn.Cancellation);
        return isUser ? Answer.Of(new KdfReply { Kdf = kdf }) : Refused.NoSuchUser();
    }
}
