-- Why a session ended: the reason as the protocol has it; null while it goes on. The row stays for a few minutes, so
-- that every server can tell its connections.
ALTER TABLE sessions ADD COLUMN ended text;
CREATE INDEX sessions_expire ON sessions (expires_at);

-- Since when a user may not sign in; null for everybody else.
ALTER TABLE users ADD COLUMN disabled_at timestamptz;

-- Whoever disables a user, and be it by hand: the sessions end in the same transaction, for good.
CREATE FUNCTION end_sessions_of_disabled() RETURNS trigger LANGUAGE plpgsql AS '
BEGIN
    UPDATE sessions SET ended = ''disabled'', expires_at = least(expires_at, now())
    WHERE public_token = NEW.public_token AND ended IS NULL;
    RETURN NULL;
END';
CREATE TRIGGER users_disabled AFTER UPDATE OF disabled_at ON users
    FOR EACH ROW WHEN (NEW.disabled_at IS NOT NULL) EXECUTE FUNCTION end_sessions_of_disabled();

-- Counts the lobbies of a user when another is created.
CREATE INDEX lobbies_of_creator ON lobbies (created_by);
