-- What the servers of this database know, and nobody else: they sign with it what they tell each other by other ways than
-- the database. One row.
CREATE TABLE shared_secret (
    only_one BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_one),
    secret   BYTEA NOT NULL
);
INSERT INTO shared_secret (secret) VALUES (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
