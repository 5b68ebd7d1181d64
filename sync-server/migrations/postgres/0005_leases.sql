-- Which server looks after a document for the time being. What is stored is safe without it. The fence grows with each
-- lease: a snapshot that was made under an older one is refused.
CREATE TABLE lease (
    name    TEXT COLLATE "C" PRIMARY KEY,
    -- NULL: given back.
    holder  TEXT,
    fence   BIGINT NOT NULL,
    ends_at TIMESTAMPTZ NOT NULL
) WITH (fillfactor = 50);
