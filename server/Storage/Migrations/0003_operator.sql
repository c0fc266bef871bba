-- When the operator deleted a user. The row stays, since logs name it, and so does the login: nobody takes it over.
ALTER TABLE users ADD COLUMN deleted_at timestamptz;

-- The operator's word on how many bytes a lobby's messages may take; null where the limit for all lobbies holds.
ALTER TABLE lobbies ADD COLUMN bytes_max bigint;
