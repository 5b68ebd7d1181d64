-- Documents, their logs, snapshots and history.

CREATE TABLE doc (
    doc_id        INTEGER PRIMARY KEY,
    name          TEXT NOT NULL UNIQUE,
    created_at_ms INTEGER NOT NULL,
    -- Why the document could not be read, when that was seen last. NULL: no trouble known.
    trouble       TEXT
) STRICT;

-- One row a batch: the updates first_seq to last_seq, each with its length (LEB128) before it.
-- The checksum covers the document's name, both numbers and the bytes.
CREATE TABLE log (
    doc_id    INTEGER NOT NULL REFERENCES doc (doc_id),
    first_seq INTEGER NOT NULL,
    last_seq  INTEGER NOT NULL,
    at_ms     INTEGER NOT NULL,
    checksum  INTEGER NOT NULL,
    updates   BLOB NOT NULL,
    PRIMARY KEY (doc_id, first_seq)
) STRICT, WITHOUT ROWID;

-- The newest snapshot of a document: everything up to and with through_seq, as one update.
CREATE TABLE snapshot (
    doc_id      INTEGER PRIMARY KEY REFERENCES doc (doc_id),
    generation  INTEGER NOT NULL,
    through_seq INTEGER NOT NULL,
    at_ms       INTEGER NOT NULL,
    checksum    INTEGER NOT NULL,
    bytes       BLOB NOT NULL
) STRICT;

-- Rows of the log that a snapshot holds, many joined into one segment; the form of the bytes is the log's.
CREATE TABLE history (
    doc_id    INTEGER NOT NULL REFERENCES doc (doc_id),
    first_seq INTEGER NOT NULL,
    last_seq  INTEGER NOT NULL,
    at_ms     INTEGER NOT NULL,
    checksum  INTEGER NOT NULL,
    updates   BLOB NOT NULL,
    PRIMARY KEY (doc_id, first_seq)
) STRICT;

-- Updates that could not be applied, kept for a person to look at.
CREATE TABLE quarantine (
    quarantine_id INTEGER PRIMARY KEY,
    doc_id        INTEGER NOT NULL REFERENCES doc (doc_id),
    seq           INTEGER,
    at_ms         INTEGER NOT NULL,
    reason        TEXT NOT NULL,
    bytes         BLOB NOT NULL
) STRICT;
CREATE INDEX quarantine_by_doc ON quarantine (doc_id, seq);

-- One row, rewritten by the readiness probe.
CREATE TABLE probe (
    probe_id INTEGER PRIMARY KEY CHECK (probe_id = 1),
    at_ms    INTEGER NOT NULL
) STRICT;
