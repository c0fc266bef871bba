using System.Text;
using Conclave.Client.Texts;
using Conclave.Protocol;
using Conclave.Sdk;

namespace Conclave.Client;

/// <summary>The server that somebody talks to, and who is signed in there.</summary>
/// <param name="server">Its address.</param>
/// <param name="sessions">Who is signed in where.</param>
/// <param name="language">The language of the user.</param>
/// <param name="note">Says something to the user.</param>
sealed class Host(Uri server, SessionStore sessions, Language language, Action<string> note)
{
    /// <summary>Names the folder of <see cref="StateFolder"/>.</summary>
    const string StateVariable = "CONCLAVE_STATE";

    // Long enough for a server to restart, short enough for somebody who sits and waits.
    static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(15);

    public Uri Server { get; } = server;

    /// <summary>As people write it, without the slash at its end.</summary>
    public string Address => Wording.Address(Server);

    /// <summary>The kept session, or null if nobody is signed in.</summary>
    public Session? Session => sessions.Find(Server);

    /// <summary>The same for signing out: also one that others could read, which that is the very cure for.</summary>
    public Session? SessionToEnd => sessions.FindToEnd(Server);

    /// <summary>A client that is connected and speaks for nobody.</summary>
    /// <exception cref="ClientException">The server cannot be reached.</exception>
    public async Task<ConclaveClient> ConnectAsync(CancellationToken cancellation)
    {
        var client = NewClient();
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
        client.UseToken(session.Token, session.Login);
        return client;
    }

    /// <summary>
    /// Signs in and keeps the session. The one it replaces is not ended: somebody may be watching a lobby with it in
    /// another window. It ends by itself when it has not been used for a while.
    /// </summary>
    /// <param name="login">Who.</param>
    /// <param name="password">The password.</param>
    /// <param name="plainAccount">
    /// Whether the person has said that the account is plain: only then the server sees the password.
    /// </param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<AuthReply> SignInAsync(
        string login, string password, bool plainAccount, CancellationToken cancellation)
    {
        await using var client = await ConnectAsync(cancellation);
        var reply = plainAccount
            ? await client.SignInToPlainAccountAsync(login, Encoding.UTF8.GetBytes(password), cancellation)
            : await client.SignInAsync(login, password, cancellation);
        sessions.Keep(new Session { Server = Server.AbsoluteUri, Login = reply.Login, Token = reply.Token });
        return reply;
    }

    /// <summary>
    /// Wipes the keys, whatever the server does, and ends the session, at the server and here; if the server does not
    /// end it, it stays for another try.
    /// </summary>
    /// <returns>Who was signed in, or null if nobody was.</returns>
    public async Task<string?> SignOutAsync(CancellationToken cancellation)
    {
        var session = SessionToEnd;
        if (session is null)
            return null;
        await WipeKeysAsync(session.Login);
        try
        {
            await using var client = await ConnectAsync(cancellation);
            client.UseToken(session.Token, session.Login);
            await client.SignOutAsync(cancellation);
        }
        catch (Exception exception) when (exception is ClientException or ConclaveException)
        {
            note(language.Seal.OnlyKeysWiped);
            throw;
        }
        sessions.Forget(Server);
        return session.Login;
    }

    /// <summary>Wipes the keys of somebody on this computer, who need not be signed in.</summary>
    /// <returns>Whether there were any.</returns>
    public async Task<bool> WipeKeysAsync(string login)
    {
        await using var client = NewClient();
        return client.Account.WipeKeys(login);
    }

    /// <summary>
    /// Where keys and what was verified are kept: <c>$CONCLAVE_STATE</c>, or <c>conclave</c> in <c>$XDG_DATA_HOME</c>
    /// or, if that is not set, in <c>~/.local/share</c> or its like on other systems.
    /// </summary>
    public static string StateFolder() =>
        SessionStore.FolderOf(StateVariable, Environment.SpecialFolder.LocalApplicationData);

    /// <summary>
    /// Forgets a session that the server no longer knows. The keys stay: it may have ended the session to be rid of
    /// them, and after a forgotten password they may be all that there is.
    /// </summary>
    public void Forget() => sessions.Forget(Server);

    ConclaveClient NewClient() => new(new ConclaveOptions
    {
        Server = Server,
        RequestTimeout = AnswerTimeout,
        ProgramName = "conclave",
        StateFolder = StateFolder(),
        Introduce = introduction => note(SealReport.Introduction(introduction, language)),
    });
}
