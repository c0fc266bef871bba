-- The public identities of accounts. One that a roster has named is kept for ever, also when another has taken its
-- place.
CREATE TABLE identities (
    fingerprint  bytea PRIMARY KEY,
    public_token uuid NOT NULL REFERENCES users,
    -- 1, 2, 3 ... within the account.
    number       int NOT NULL,
    record       bytea NOT NULL,
    -- Its signature on the identity after it; null in the newest, and where the one after it came without.
    succession   bytea,
    is_current   boolean NOT NULL,
    UNIQUE (public_token, number)
);
CREATE UNIQUE INDEX identities_current ON identities (public_token) WHERE is_current;

-- The accounts that have an identity: how their passwords are stretched, and their seed in a box that only the password
-- opens, boxed once more under a key that the server makes of what it gets as the password.
CREATE TABLE vaults (
    public_token uuid PRIMARY KEY REFERENCES users,
    salt         bytea NOT NULL,
    ops          int NOT NULL,
    mem          int NOT NULL,
    vault        bytea NOT NULL
);

-- Of a row of a sealed lobby: the transcript's value.
ALTER TABLE entries ADD COLUMN hash bytea;
-- Of an entry that begins a generation of keys: which one.
ALTER TABLE entries ADD COLUMN generation bigint;

-- Where in the log of a sealed lobby the entries of its roster stand.
CREATE TABLE roster_rows (
    lobby_id uuid NOT NULL,
    height   bigint NOT NULL,
    seq      bigint NOT NULL,
    PRIMARY KEY (lobby_id, height)
);

-- What the roster says of the newest key, and of each member: its fingerprint, and the first key it is entitled to.
ALTER TABLE lobbies ADD COLUMN generation bigint;
ALTER TABLE members ADD COLUMN fingerprint bytea;
ALTER TABLE members ADD COLUMN first_generation bigint;

-- Keys of sealed lobbies, each for one member; more than one where a member asked again.
CREATE TABLE key_wraps (
    lobby_id   uuid NOT NULL,
    recipient  bytea NOT NULL,
    generation bigint NOT NULL,
    number     smallint NOT NULL,
    wrap       bytea NOT NULL,
    PRIMARY KEY (lobby_id, recipient, generation, number)
);
ALTER TABLE key_wraps ALTER COLUMN wrap SET STORAGE EXTERNAL;
