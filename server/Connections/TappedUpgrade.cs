using Microsoft.AspNetCore.Http.Features;

namespace Conclave.Server.Connections;

/// <summary>
/// Stands in for the server's upgrade, so that the framework does the WebSocket handshake and the bytes after it pass
/// through a <see cref="FrameStream"/>.
/// </summary>
sealed class TappedUpgrade(IHttpUpgradeFeature upgrade, TimeProvider time) : IHttpUpgradeFeature
{
    /// <summary>The bytes of the connection, once it is upgraded.</summary>
    public FrameStream? Frames { get; private set; }

    public bool IsUpgradableRequest => upgrade.IsUpgradableRequest;

    public async Task<Stream> UpgradeAsync() => Frames = new FrameStream(await upgrade.UpgradeAsync(), time);
}
