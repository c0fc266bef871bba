-- One row: what makes this database this database.
CREATE TABLE meta (
    only_row      boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    -- Positions in logs hold for one epoch only: restoring a backup draws a new one.
    epoch         text NOT NULL,
    -- Which master key wrapped the lobby keys; null until the first server has started.
    master_key_id text
);
INSERT INTO meta (epoch) VALUES (md5(random()::text || clock_timestamp()::text || pg_backend_pid()::text));

CREATE TABLE users (
    public_token  uuid PRIMARY KEY,
    login         text COLLATE "C" NOT NULL UNIQUE,
    password_hash text NOT NULL,
    registered_at timestamptz NOT NULL
);

CREATE TABLE sessions (
    token_hash   bytea PRIMARY KEY,
    session_id   uuid NOT NULL UNIQUE,
    public_token uuid NOT NULL REFERENCES users,
    created_at   timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    client       text,
    address      inet
);
CREATE INDEX sessions_of_user ON sessions (public_token);

-- Every table of a lobby has lobby_id as its first key column, so that the log can be sharded by it.
-- last_seq changes with every batch: room on the page keeps those updates off the indexes.
CREATE TABLE lobbies (
    lobby_id     uuid PRIMARY KEY,
    name         text NOT NULL,
    created_by   uuid NOT NULL REFERENCES users,
    created_at   timestamptz NOT NULL,
    sealed       boolean NOT NULL,
    wrapped_key  bytea,
    last_seq     bigint NOT NULL,
    last_sent_at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- A name once used stays with its lobby for ever: nobody can take over a name that scripts post to.
CREATE TABLE lobby_names (
    name_key text COLLATE "C" PRIMARY KEY,
    lobby_id uuid NOT NULL
);

-- What the log says of members, kept ready. Changes only in the transaction of the entry that changes it.
CREATE TABLE members (
    lobby_id     uuid NOT NULL,
    public_token uuid NOT NULL REFERENCES users,
    rights       smallint NOT NULL,
    -- The entry that made the user a member, and when it was sent.
    since_seq    bigint NOT NULL,
    since        timestamptz NOT NULL,
    PRIMARY KEY (lobby_id, public_token)
);
CREATE INDEX members_of_user ON members (public_token, lobby_id);

-- The log. Only the batch writer inserts, with the lobby's row locked; foreign keys would check again, for each
-- entry, what that statement has just joined.
CREATE TABLE entries (
    lobby_id uuid NOT NULL,
    seq      bigint NOT NULL,
    kind     smallint NOT NULL,
    author   uuid NOT NULL,
    sent_at  timestamptz NOT NULL,
    nonce    uuid NOT NULL,
    member   uuid,
    rights   smallint,
    name     text,
    body     bytea,
    PRIMARY KEY (lobby_id, seq)
);
CREATE UNIQUE INDEX entries_nonce ON entries (lobby_id, author, nonce);
-- Bodies are ciphertext: trying to compress them is wasted work.
ALTER TABLE entries ALTER COLUMN body SET STORAGE EXTERNAL;
