using System.Net;
using Conclave.Server.Accounts;

namespace Conclave.Tests.Server.Accounts;

public sealed class AddressGroupTests
{
    [Theory]
    [InlineData("192.0.2.7", "192.0.2.7", true)]
    [InlineData("192.0.2.7", "192.0.2.8", false)]
    [InlineData("192.0.2.7", "::ffff:192.0.2.7", true)]
    [InlineData("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true)]
    [InlineData("2001:db8:0:1::1", "2001:db8:0:2::1", false)]
    public void Network_of_64_bits_is_one_address(string one, string other, bool areOne)
    {
        var counts = new AddressCounts(countMax: 1);
        Assert.True(counts.TryEnter(IPAddress.Parse(one)));
        Assert.Equal(!areOne, counts.TryEnter(IPAddress.Parse(other)));
        counts.Leave(IPAddress.Parse(one));
        Assert.True(counts.TryEnter(IPAddress.Parse(one)));
    }

    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("127.7.7.7", true)]
    [InlineData("::1", true)]
    [InlineData("::ffff:127.7.7.7", true)]
    [InlineData("::2", false)]
    [InlineData("192.0.2.7", false)]
    [InlineData("::ffff:192.0.2.7", false)]
    public void Loopback_is_known_in_every_form(string address, bool isLoopback) =>
        Assert.Equal(isLoopback, AddressGroup.IsLoopback(IPAddress.Parse(address)));
}
