using System.Collections.Concurrent;
using Conclave.Protocol;

namespace Conclave.Server.Storage;

/// <summary>
/// The logins behind public tokens, for pages of a log. Neither ever changes, so what is known stays right.
/// </summary>
sealed class People(Database database)
{
    // Full, it starts anew: filling it again costs one look-up a page.
    const int KnownMax = 100_000;

    readonly ConcurrentDictionary<Guid, Person> _known = new();

    /// <summary>The people whom the tokens stand for.</summary>
    /// <exception cref="KeyNotFoundException">A token stands for nobody.</exception>
    public async ValueTask<Dictionary<Guid, Person>> FindAsync(
        IReadOnlyCollection<Guid> publicTokens, CancellationToken cancellation)
    {
        Dictionary<Guid, Person> found = new(publicTokens.Count);
        List<Guid> missing = [];
        foreach (var publicToken in publicTokens)
        {
            if (_known.TryGetValue(publicToken, out var person))
                found[publicToken] = person;
            else
                missing.Add(publicToken);
        }
        if (missing.Count == 0)
            return found;
        if (_known.Count >= KnownMax)
            _known.Clear();
        await using var command = database.Source.CreateCommand(
            "SELECT public_token, login FROM users WHERE public_token = ANY ($1)");
        command.Parameters.Add(new() { Value = missing.ToArray() });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            var person = new Person(reader.GetString(1), reader.GetGuid(0));
            found[person.PublicToken] = _known[person.PublicToken] = person;
        }
        return found;
    }
}
