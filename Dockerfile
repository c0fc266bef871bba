# The server's image. Built in two stages, so that neither the SDK nor the sources end up in what runs.
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /source

# What decides the packages comes first: as long as it stays the same, this layer is not built again.
COPY global.json Directory.Build.props Directory.Packages.props ./
COPY protocol/Protocol.csproj protocol/packages.lock.json protocol/
COPY roster/Roster.csproj roster/packages.lock.json roster/
COPY server/Server.csproj server/packages.lock.json server/
RUN --mount=type=cache,id=conclave-nuget,target=/root/.nuget/packages \
    dotnet restore server --locked-mode

COPY .editorconfig BannedSymbols.txt ./
COPY protocol protocol
COPY roster roster
COPY server server
# The package of libsodium carries its library for every system; the image needs the two it can run on.
RUN --mount=type=cache,id=conclave-nuget,target=/root/.nuget/packages \
    dotnet publish server --no-restore --configuration Release --output /app \
    && find /app/runtimes -mindepth 1 -maxdepth 1 ! -name linux-x64 ! -name linux-arm64 -exec rm -r {} +

# Not an image without ICU: there .NET skips NFC in silence, and the server refuses to start.
FROM mcr.microsoft.com/dotnet/aspnet:10.0
WORKDIR /app
COPY --from=build /app .
# A new volume takes over the owner and the mode of the folder it covers: nobody else reads the key in this one.
RUN install -d -m 700 -o $APP_UID -g $APP_UID /data

# The diagnostics port would let whoever enters the container dump the memory, keys and all.
ENV DOTNET_EnableDiagnostics=0 \
    ASPNETCORE_HTTP_PORTS= \
    CONCLAVE_DATA=/data
USER $APP_UID
EXPOSE 7720
ENTRYPOINT ["/app/conclave-server"]
