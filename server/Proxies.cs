using System.Net;
using Conclave.Server.Storage;
using Microsoft.AspNetCore.HttpOverrides;

namespace Conclave.Server;

/// <summary>
/// The proxies in front. What they forward says where a request really came from; from anybody else the same headers
/// are a forgery, by which one caller could pass for many, or for somebody else.
/// </summary>
sealed class Proxies
{
    readonly List<System.Net.IPNetwork> _networks;

    Proxies(List<System.Net.IPNetwork> networks) => _networks = networks;

    /// <summary>No proxy: every caller is who it seems to be.</summary>
    public static Proxies None { get; } = new([]);

    /// <summary>Reads CONCLAVE_PROXIES: addresses and networks (192.0.2.0/24), separated by ; .</summary>
    /// <exception cref="StartupException">One of them is none.</exception>
    public static Proxies Read(string proxies)
    {
        List<System.Net.IPNetwork> networks = [];
        foreach (var text in proxies.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var network = NetworkOf(text) ?? throw new StartupException(
                $"CONCLAVE_PROXIES: {text} is neither an IP address nor a network such as 192.0.2.0/24");
            if (network.PrefixLength == 0)
            {
                throw new StartupException(
                    $"CONCLAVE_PROXIES: {text} is everybody, and anybody could pass for anybody; name the proxies");
            }
            networks.Add(network);
        }
        return new(networks);
    }

    /// <summary>Whether somebody at this address is one of them.</summary>
    public bool Include(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return _networks.Exists(network => network.Contains(plain));
    }

    /// <summary>Has what they forward count: of X-Forwarded-For as much as they vouch for, from the right.</summary>
    public void Heed(IApplicationBuilder app)
    {
        if (_networks.Count == 0)
            return;
        var options = new ForwardedHeadersOptions
        {
            ForwardedHeaders =
                ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto | ForwardedHeaders.XForwardedHost,
            // As many as there are; it ends at the first that is not known.
            ForwardLimit = null,
        };
        // The framework would trust loopback.
        options.KnownProxies.Clear();
        options.KnownIPNetworks.Clear();
        foreach (var network in _networks)
            options.KnownIPNetworks.Add(network);
        app.UseForwardedHeaders(options);
    }

    static System.Net.IPNetwork? NetworkOf(string text)
    {
        // "7" would be an address too: 0.0.0.7.
        if (!text.Contains('.', StringComparison.Ordinal) && !text.Contains(':', StringComparison.Ordinal))
            return null;
        if (System.Net.IPNetwork.TryParse(text, out var network))
            return network;
        return IPAddress.TryParse(text, out var address)
            ? new(address, address.GetAddressBytes().Length * 8)
            : null;
    }
}
