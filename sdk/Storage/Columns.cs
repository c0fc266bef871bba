using Conclave.Roster;
using Microsoft.Data.Sqlite;

namespace Conclave.Sdk.Storage;

/// <summary>How values stand in the columns of a <see cref="StateFile"/>.</summary>
static class Columns
{
    extension(Guid uuid)
    {
        public byte[] Blob => uuid.ToByteArray(bigEndian: true);
    }

    extension(Digest digest)
    {
        public byte[] Blob => digest.Bytes.ToArray();
    }

    extension(SqliteDataReader row)
    {
        public byte[]? Blob(int column) => row.IsDBNull(column) ? null : row.GetFieldValue<byte[]>(column);

        public Guid Uuid(int column) => new(row.GetFieldValue<byte[]>(column), bigEndian: true);

        public Digest Digest(int column) => new(row.GetFieldValue<byte[]>(column));

        public ulong Seq(int column) => (ulong)row.GetInt64(column);

        public bool Flag(int column) => row.GetInt64(column) != 0;

        public string? Text(int column) => row.IsDBNull(column) ? null : row.GetString(column);

        public DateTimeOffset Time(int column) => DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(column));
    }
}
