using Conclave.Sealing;
using SealedContent = Conclave.Sealing.Content;

namespace Conclave.Sdk.Sealing;

/// <summary>What one of the two kinds of things in a lobby is called.</summary>
sealed record ShelfName(string Text, bool IsFile);

/// <summary>
/// The newest version of every secret and file of a lobby, found by reading its entries in order (docs/sealing.md,
/// section 6.2): of two versions of one name with the same predecessor the earlier counts, and the other is ignored.
/// </summary>
sealed class Shelf
{
    /// <summary>When the last index is older than so many rows, a writer posts another one.</summary>
    public const int IndexRows = 512;

    readonly Dictionary<string, Secret> _secrets = new(StringComparer.Ordinal);
    readonly Dictionary<string, (FileContent File, Entry Entry)> _files = new(StringComparer.Ordinal);
    readonly Dictionary<(string Name, long? Previous), long> _successors = [];

    public IEnumerable<Secret> Secrets => _secrets.Values.Where(secret => !secret.IsGone);

    public IEnumerable<(FileContent File, Entry Entry)> Files => _files.Values;

    public bool Has(ShelfName name) => name.IsFile ? _files.ContainsKey(name.Text) : _secrets.ContainsKey(name.Text);

    /// <summary>The newest version that counts, also if it says that the name is retired.</summary>
    public Secret? Newest(string name) => _secrets.GetValueOrDefault(name);

    /// <summary>The newest file of a name.</summary>
    public (FileContent File, Entry Entry)? File(string name) =>
        _files.TryGetValue(name, out var file) ? file : null;

    /// <summary>
    /// The place of the version that replaced one, or that was the first if there was none before it.
    /// </summary>
    public long? Counts(string name, long? previous) =>
        _successors.TryGetValue((name, previous), out var seq) ? seq : null;

    /// <summary>Whether only what leads to one name was looked at: then no index is made of it.</summary>
    public bool IsPartial { get; init; }

    /// <summary>The last entry that was looked at.</summary>
    public long LastSeq { get; private set; }

    /// <summary>The last entry that the newest index has looked at; 0 if there is none.</summary>
    public long IndexedThrough { get; private set; }

    /// <summary>Where the newest version of everything lies.</summary>
    public IndexContent ToIndex() => new(
        (ulong)LastSeq,
        _secrets.ToDictionary(secret => secret.Key, secret => (ulong)secret.Value.Seq, StringComparer.Ordinal),
        _files.ToDictionary(file => file.Key, file => (ulong)file.Value.Entry.Seq, StringComparer.Ordinal));

    /// <summary>Looks at the next entry.</summary>
    public void Add(Entry entry)
    {
        LastSeq = entry.Seq;
        if (entry.Content is not { Type: "secret" or "file" or "index" } plain)
            return;
        if (TryRead(plain) is not { } content)
            return;
        using var read = content;
        if (IndexContent.TryRead(content, out var index) && index.Through < (ulong)entry.Seq)
            IndexedThrough = (long)index.Through;
        if (SecretContent.TryRead(content, out var secret))
            Add(new Secret(secret, entry));
        else if (FileContent.TryRead(content, out var file))
            _files[file.Name] = (file, entry);
    }

    // A plain lobby carries what no head can hold: that is no secret and no file, and keeps nobody from the others.
    static SealedContent? TryRead(Content plain)
    {
        try
        {
            return ContentForm.ToSealed(plain);
        }
        catch (RefusedException)
        {
            return null;
        }
    }

    void Add(Secret version)
    {
        if (_successors.TryAdd((version.Name, version.Previous), version.Seq))
            _secrets[version.Name] = version;
    }
}
