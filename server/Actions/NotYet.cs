using Conclave.Protocol;

namespace Conclave.Server.Actions;

/// <summary>
/// Fields of the protocol that this version does not serve. To ignore them would be a lie: a message that was to
/// expire would stay.
/// </summary>
static class NotYet
{
    public static void Refuse(Request request, string field)
    {
        if (request.Has(field))
            request.Reject(field, field + " is not supported by this server");
    }
}
