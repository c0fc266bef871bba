-- When the content of a message expires; null where it stays. What is gone has no body any more.
ALTER TABLE entries ADD COLUMN expires_at timestamptz;
-- In sealed lobbies: the hash of the row as it was posted, which stays when its content goes.
ALTER TABLE entries ADD COLUMN row_hash bytea;
-- Finds what is due; holds only what is still to expire.
CREATE INDEX entries_expire ON entries (expires_at) WHERE expires_at IS NOT NULL AND body IS NOT NULL;

-- Erasure is no entry: whoever keeps a copy of what the log says finds out by this counter.
ALTER TABLE lobbies ADD COLUMN erasures bigint NOT NULL DEFAULT 0;
-- When the lobby was deleted: its key is gone since then. Id and names stay for ever.
ALTER TABLE lobbies ADD COLUMN deleted_at timestamptz;
-- When nothing was left of it but those.
ALTER TABLE lobbies ADD COLUMN cleaned_at timestamptz;
CREATE INDEX lobbies_to_clean ON lobbies (deleted_at) WHERE deleted_at IS NOT NULL AND cleaned_at IS NULL;
