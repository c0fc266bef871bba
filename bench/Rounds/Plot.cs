using System.Globalization;
using System.Text;

namespace Conclave.Bench.Rounds;

/// <summary>A chart of horizontal bars as SVG, for a page of Markdown: light ground, no script, no font.</summary>
sealed class Plot(string title, string unit)
{
    public const string Ours = "#2f6f9f";
    public const string Sealed = "#2f8f6f";
    public const string Yardstick = "#b9bec4";

    const int Width = 760;
    const int Left = 190;
    const int Right = 110;
    const int Top = 46;
    const int BarHeight = 16;
    const int GroupGap = 10;
    const string Mark = "#c0392b";

    readonly List<Group> _groups = [];

    /// <summary>Adds bars that belong together, and the goal if there is one.</summary>
    public void Add(string name, double? goal, params Bar[] bars) => _groups.Add(new(name, goal, bars));

    public string Svg()
    {
        var most = _groups.SelectMany(group => group.Bars.Select(bar => bar.Value).Append(group.Goal ?? 0)).Max();
        var height = Top + _groups.Sum(HeightOf) + GroupGap;
        var svg = new StringBuilder();
        svg.AppendLine(Text(
            $"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Width} {height}" role="img" """)
            + """font-family="sans-serif" font-size="12">""");
        svg.AppendLine(Text($"""<title>{title}</title>"""));
        svg.AppendLine(Text($"""<rect width="{Width}" height="{height}" fill="#ffffff"/>"""));
        svg.AppendLine(Text($"""<text x="12" y="20" font-size="14" font-weight="bold">{title}</text>"""));
        svg.AppendLine(Text($"""<text x="12" y="37" fill="#666666">{unit}</text>"""));
        var y = Top;
        foreach (var group in _groups)
        {
            Draw(svg, group, y, (Width - Left - Right) / most);
            y += HeightOf(group);
        }
        svg.AppendLine("</svg>");
        return svg.ToString();
    }

    static void Draw(StringBuilder svg, Group group, int top, double scale)
    {
        var bottom = top + group.Bars.Length * BarHeight;
        svg.AppendLine(Text(
            $"""<text x="{Left - 8}" y="{(top + bottom) / 2 + 4}" text-anchor="end">{group.Name}</text>"""));
        var y = top;
        foreach (var bar in group.Bars)
        {
            var length = bar.Value * scale;
            svg.AppendLine(Text($"""<rect x="{Left}" y="{y + 1}" width="{length:0.0}" """)
                + Text($"""height="{BarHeight - 2}" fill="{bar.Colour}"/>"""));
            svg.AppendLine(Text(
                $"""<text x="{Left + length + 5:0.0}" y="{y + 12}" fill="#333333">{bar.Label}</text>"""));
            y += BarHeight;
        }
        if (group.Goal is { } goal)
        {
            svg.AppendLine(Text(
                $"""<path d="M{Left + goal * scale:0.0} {top - 2}V{bottom + 2}" stroke="{Mark}" stroke-width="2"/>"""));
        }
    }

    static int HeightOf(Group group) => group.Bars.Length * BarHeight + GroupGap;

    static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>One bar.</summary>
    /// <param name="Value">Its length.</param>
    /// <param name="Label">What stands at its end.</param>
    /// <param name="Colour">Whose it is.</param>
    public sealed record Bar(double Value, string Label, string Colour);

    sealed record Group(string Name, double? Goal, Bar[] Bars);
}
