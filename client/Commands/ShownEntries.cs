using Conclave.Sdk;

namespace Conclave.Client.Commands;

/// <summary>Entries that a command has shown, and what remains to be said about them when it ends.</summary>
sealed class ShownEntries(Visit visit, string lobby)
{
    Entry? _refused;
    bool _isUnconfirmed;

    public void Show(Entry entry)
    {
        visit.Show(() => JsonLine.Of(entry), () => [EntryReport.Line(entry, visit.Language)]);
        if (entry.Verdict == Verdict.Refused)
            _refused ??= entry;
        // Once is enough: every such entry is marked.
        if (entry.Verdict == Verdict.Unconfirmed && !_isUnconfirmed)
            visit.Note(visit.Language.Seal.HistoryUnconfirmed);
        _isUnconfirmed |= entry.Verdict == Verdict.Unconfirmed;
    }

    /// <summary>Ends the command as an alarm if one of the entries was one.</summary>
    /// <exception cref="ClientException">It was.</exception>
    public void End()
    {
        if (_refused is not null)
            throw AlarmWording.OfRefused(_refused, lobby, visit.Language);
    }
}
