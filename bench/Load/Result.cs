using System.Text.Json;

namespace Conclave.Bench.Load;

/// <summary>What was measured, and what was not as it must be.</summary>
sealed class Result
{
    const int ErrorsMax = 20;

    readonly Dictionary<string, object> _values = new(StringComparer.Ordinal);
    readonly List<string> _errors = [];
    long _errorCount;

    public bool IsGood => _errorCount == 0;

    public object this[string key]
    {
        set => _values[key] = value is double number ? Math.Round(number, 2) : value;
    }

    public void Fail(string error)
    {
        if (++_errorCount <= ErrorsMax)
            _errors.Add(error);
    }

    public string ToJson()
    {
        if (_errorCount > ErrorsMax)
            _errors.Add($"and {_errorCount - ErrorsMax} more");
        _values["errors"] = _errors;
        return JsonSerializer.Serialize(_values);
    }
}
