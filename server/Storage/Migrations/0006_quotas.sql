-- What the messages of a lobby take as they are stored, in bytes: counted in the transaction that appends them.
ALTER TABLE lobbies ADD COLUMN bytes bigint NOT NULL DEFAULT 0;
UPDATE lobbies l SET bytes = e.bytes
FROM (
    SELECT lobby_id, sum(octet_length(body))::bigint AS bytes FROM entries WHERE body IS NOT NULL GROUP BY lobby_id
) e
WHERE l.lobby_id = e.lobby_id;
