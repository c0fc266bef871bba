using Conclave.Roster;
using Microsoft.Data.Sqlite;
using SQLitePCL;

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
        public byte[]? Blob(int column) => row.IsNull(column) ? null : row.Bytes(column).ToArray();

        public Guid Uuid(int column) => new(row.Bytes(column), bigEndian: true);

        public Digest Digest(int column) => new(row.Bytes(column));

        public ulong Seq(int column) => (ulong)raw.sqlite3_column_int64(row.Handle!, column);

        public bool Flag(int column) => raw.sqlite3_column_int64(row.Handle!, column) != 0;

        public bool IsNull(int column) => raw.sqlite3_column_type(row.Handle!, column) == raw.SQLITE_NULL;

        // Where SQLite has them, until the next row: a lobby has many rows, and a copy of each value costs more than to
        // read it.
        ReadOnlySpan<byte> Bytes(int column) => raw.sqlite3_column_blob(row.Handle!, column);

        public string? Text(int column) => row.IsNull(column) ? null : row.GetString(column);

        public DateTimeOffset Time(int column) => DateTimeOffset.FromUnixTimeMilliseconds(
            raw.sqlite3_column_int64(row.Handle!, column));
    }
}
