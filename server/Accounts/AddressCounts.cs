using System.Net;
using System.Runtime.InteropServices;

namespace Conclave.Server.Accounts;

/// <summary>How many connections there are from each address.</summary>
sealed class AddressCounts(int countMax)
{
    readonly Lock _gate = new();
    readonly Dictionary<AddressGroup, int> _counts = [];

    /// <summary>Counts one more connection; false if there are as many as may be.</summary>
    public bool TryEnter(IPAddress address)
    {
        lock (_gate)
        {
            ref var count = ref CollectionsMarshal.GetValueRefOrAddDefault(
                _counts, AddressGroup.Of(address), out _);
            if (count >= countMax)
                return false;
            count++;
            return true;
        }
    }

    /// <summary>A connection that was counted is gone.</summary>
    public void Leave(IPAddress address)
    {
        var group = AddressGroup.Of(address);
        lock (_gate)
        {
            if (_counts[group] > 1)
                _counts[group]--;
            else
                _counts.Remove(group);
        }
    }
}
