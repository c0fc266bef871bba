using System.Text;

namespace Conclave.Bench.Rounds;

/// <summary>Rows of cells under a heading, for a terminal or for Markdown.</summary>
sealed class Table(params string[] heading)
{
    readonly List<string[]> _rows = [];

    public void Add(params string[] row) => _rows.Add(row);

    public string Text()
    {
        int[] widths = [.. heading.Select((name, column) =>
            _rows.Select(row => row[column].Length).Append(name.Length).Max())];
        var text = new StringBuilder();
        foreach (var row in _rows.Prepend(heading))
        {
            var cells = row.Select((cell, column) => Pad(cell, widths[column], column));
            text.AppendLine(string.Join("  ", cells).TrimEnd());
        }
        return text.ToString();
    }

    public string Markdown()
    {
        var text = new StringBuilder();
        text.AppendLine("| " + string.Join(" | ", heading) + " |");
        text.AppendLine("|" + string.Concat(heading.Select((_, column) => IsWords(column) ? " --- |" : " ---: |")));
        foreach (var row in _rows)
            text.AppendLine("| " + string.Join(" | ", row) + " |");
        return text.ToString();
    }

    string Pad(string cell, int width, int column) => IsWords(column) ? cell.PadRight(width) : cell.PadLeft(width);

    // Names stand first, and say whose the figures are; columns of figures are read by their last digits.
    bool IsWords(int column) => column < 2 || heading[column] == "verdict";
}
