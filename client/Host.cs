using Conclave.Client.Texts;
using Conclave.Protocol;
using Conclave.Sdk;

namespace Conclave.Client;

/// <summary>The server that somebody talks to, and who is signed in there.</summary>
sealed class Host(Uri server, SessionStore sessions, Language language)
{
    // Long enough for a server to restart, short enough for somebody who sits and waits.
    static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(15);

    public Uri Server { get; } = server;

    /// <summary>As people write it, without the slash at its end.</summary>
    public string Address => Wording.Address(Server);

    /// <summary>The kept session, or null if nobody is signed in.</summary>
    public Session? Session => sessions.Find(Server);

    /// <summary>A client that is connected and speaks for nobody.</summary>
    /// <exception cref="ClientException">The server cannot be reached.</exception>
    public async Task<ConclaveClient> ConnectAsync(CancellationToken cancellation)
    {
        var client = new ConclaveClient(new ConclaveOptions
        {
            Server = Server,
            RequestTimeout = AnswerTimeout,
            ProgramName = "conclave",
        });
        try
        {
            await client.ConnectAsync(cancellation);
            return client;
        }
        catch (ConclaveException exception)
        {
            await client.DisposeAsync();
            throw exception is DisconnectedException ? Wording.Unreachable(Server, language) : exception;
        }
    }

    /// <summary>A client that is connected and speaks for whoever is signed in.</summary>
    /// <exception cref="ClientException">Nobody is, or the server cannot be reached.</exception>
    public async Task<ConclaveClient> ConnectSignedInAsync(CancellationToken cancellation)
    {
        var session = Session ?? throw Wording.NotSignedIn(Server, sessions, language);
        var client = await ConnectAsync(cancellation);
        client.UseToken(session.Token);
        return client;
    }

    /// <summary>
    /// Signs in and keeps the session. The one it replaces is not ended: somebody may be watching a lobby with it in
    /// another window. It ends by itself when it has not been used for a while.
    /// </summary>
    public async Task<AuthReply> SignInAsync(string login, string password, CancellationToken cancellation)
    {
        await using var client = await ConnectAsync(cancellation);
        var reply = await client.SignInAsync(login, password, cancellation);
        sessions.Keep(new Session { Server = Server.AbsoluteUri, Login = reply.Login, Token = reply.Token });
        return reply;
    }

    /// <summary>Ends the session, at the server and here.</summary>
    /// <returns>Who was signed in, or null if nobody was.</returns>
    public async Task<string?> SignOutAsync(CancellationToken cancellation)
    {
        // Also one that others could read: to end it is the very cure.
        var session = sessions.FindToEnd(Server);
        if (session is null)
            return null;
        await using var client = await ConnectAsync(cancellation);
        client.UseToken(session.Token);
        await client.SignOutAsync(cancellation);
        sessions.Forget(Server);
        return session.Login;
    }

    /// <summary>Forgets a session that the server no longer knows.</summary>
    public void Forget() => sessions.Forget(Server);
}
