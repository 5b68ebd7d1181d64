-- Documents, their logs, snapshots and history.

-- The head gives every update its place: it is counted up inside the transaction that stores the update, and its
-- row stays locked until that is committed. So the order of places is the order of commits, and a reader who has
-- seen place n has seen every place before it.
CREATE TABLE doc (
    doc_id        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name          TEXT COLLATE "C" NOT NULL UNIQUE,
    created_at_ms BIGINT NOT NULL,
    head_seq      BIGINT NOT NULL,
    -- Why the document could not be read, when that was seen last. NULL: no trouble known.
    trouble       TEXT
) WITH (fillfactor = 70);

-- One row a batch: the updates first_seq to last_seq, each with its length (LEB128) before it.
-- The checksum covers the document's name, both places and the bytes.
CREATE TABLE log (
    doc_id    BIGINT NOT NULL REFERENCES doc (doc_id),
    first_seq BIGINT NOT NULL,
    last_seq  BIGINT NOT NULL,
    at_ms     BIGINT NOT NULL,
    checksum  BIGINT NOT NULL,
    updates   BYTEA NOT NULL,
    PRIMARY KEY (doc_id, first_seq)
);
-- Updates do not get smaller by being compressed again and again; the time is better spent elsewhere.
ALTER TABLE log ALTER COLUMN updates SET STORAGE EXTERNAL;

-- The newest snapshot of a document: everything up to and with through_seq, as one update.
CREATE TABLE snapshot (
    doc_id      BIGINT PRIMARY KEY REFERENCES doc (doc_id),
    generation  BIGINT NOT NULL,
    through_seq BIGINT NOT NULL,
    at_ms       BIGINT NOT NULL,
    checksum    BIGINT NOT NULL,
    bytes       BYTEA NOT NULL
);

-- Rows of the log that a snapshot holds, many joined into one segment; the form of the bytes is the log's.
CREATE TABLE history (
    doc_id    BIGINT NOT NULL REFERENCES doc (doc_id),
    first_seq BIGINT NOT NULL,
    last_seq  BIGINT NOT NULL,
    at_ms     BIGINT NOT NULL,
    checksum  BIGINT NOT NULL,
    updates   BYTEA NOT NULL,
    PRIMARY KEY (doc_id, first_seq)
);

-- Updates that could not be applied, kept for a person to look at.
CREATE TABLE quarantine (
    quarantine_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    doc_id        BIGINT NOT NULL REFERENCES doc (doc_id),
    seq           BIGINT,
    at_ms         BIGINT NOT NULL,
    reason        TEXT NOT NULL,
    bytes         BYTEA NOT NULL
);
CREATE INDEX quarantine_by_doc ON quarantine (doc_id, seq);

-- One row, rewritten by the readiness probe.
CREATE TABLE probe (
    probe_id INTEGER PRIMARY KEY CHECK (probe_id = 1),
    at_ms    BIGINT NOT NULL
);
