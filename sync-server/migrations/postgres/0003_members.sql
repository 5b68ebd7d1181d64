-- The servers that share this database. Each writes its own row again and again while it runs; what is in it is for people
-- and monitors, and nothing that is stored depends on it.
CREATE TABLE member (
    name       TEXT PRIMARY KEY,
    address    TEXT NOT NULL,
    version    TEXT NOT NULL,
    state      TEXT NOT NULL,
    started_at TIMESTAMPTZ NOT NULL,
    seen_at    TIMESTAMPTZ NOT NULL
) WITH (fillfactor = 50);
