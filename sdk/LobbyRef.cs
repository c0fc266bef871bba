namespace Conclave.Sdk;

/// <summary>
/// Which lobby is meant: by its id, by its name, or by both, which then must agree. Names change and ids do not, so
/// what is kept for later should keep the id. Strings and ids convert by themselves; a string is always taken for a
/// name, also when it looks like an id.
/// </summary>
public readonly record struct LobbyRef
{
    /// <summary>The lobby with this id.</summary>
    public LobbyRef(Guid id) => Id = id;

    /// <summary>The lobby that has, or once had, this name.</summary>
    /// <exception cref="ArgumentException"><paramref name="name"/> is empty.</exception>
    public LobbyRef(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        Name = name;
    }

    /// <summary>The lobby with this id, refused by the server if it never had this name.</summary>
    /// <exception cref="ArgumentException"><paramref name="name"/> is empty.</exception>
    public LobbyRef(Guid id, string name) : this(name) => Id = id;

    /// <summary>Null if the lobby is meant by its name.</summary>
    public Guid? Id { get; }

    /// <summary>Null if the lobby is meant by its id.</summary>
    public string? Name { get; }

    public static implicit operator LobbyRef(Guid id) => new(id);

    public static implicit operator LobbyRef(string name) => new(name);

    /// <summary>The name if there is one, else the id.</summary>
    public override string ToString() => Name ?? Id?.ToString() ?? "no lobby";
}
