using System.Buffers.Text;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Conclave.Protocol;

/// <summary>Times on the wire: RFC 3339, UTC, milliseconds, as in <c>2026-01-31T23:59:59.123Z</c>.</summary>
public sealed class TimeJsonConverter : JsonConverter<DateTimeOffset>
{
    const string Format = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    /// <summary>The wire form of <paramref name="time"/>; what is finer than a millisecond is cut off.</summary>
    public static string Text(DateTimeOffset time) =>
        time.UtcDateTime.ToString(Format, CultureInfo.InvariantCulture);

    /// <summary>Writes the wire form of <paramref name="time"/>.</summary>
    /// <param name="time">The time.</param>
    /// <param name="destination">At least 28 bytes: more than is written.</param>
    /// <returns>How many bytes were written: 24.</returns>
    public static int Write(DateTimeOffset time, Span<byte> destination)
    {
        // yyyy-MM-ddTHH:mm:ss.fffffffZ, of which the last four digits go.
        const int BytesToMilliseconds = 23;
        Utf8Formatter.TryFormat(time.UtcDateTime, destination, out _, 'O');
        destination[BytesToMilliseconds] = (byte)'Z';
        return BytesToMilliseconds + 1;
    }

    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.GetDateTimeOffset();

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(Text(value));
}
