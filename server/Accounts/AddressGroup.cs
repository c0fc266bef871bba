using System.Net;
using System.Net.Sockets;

namespace Conclave.Server.Accounts;

/// <summary>
/// What counts as one address in a limit: an IPv4 address, or an IPv6 network of 64 bits, since whoever has one IPv6
/// address has all 2^64 of its network.
/// </summary>
readonly record struct AddressGroup
{
    AddressGroup(IPAddress first) => First = first;

    /// <summary>The lowest address of the group.</summary>
    public IPAddress First { get; }

    /// <summary>Whether an address is this machine's own, in whatever form.</summary>
    public static bool IsLoopback(IPAddress address) =>
        IPAddress.IsLoopback(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address);

    public static AddressGroup Of(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            return new(address.MapToIPv4());
        }

        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return new(address);
        }

        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        bytes[8..].Clear();
        // Built from bytes it also loses its zone (fe80::1%eth0), which the peer does not choose but may vary.
        return new(new IPAddress(bytes));
    }
}
