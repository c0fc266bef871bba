-- Statistics of a young database say that a lobby has an entry or two, and then PostgreSQL looks for a nonce by walking
-- the lobby: right for a minute, and a disaster for a lobby that has grown since. It shall always expect large lobbies.
ALTER TABLE entries ALTER COLUMN lobby_id SET (n_distinct = 100);
