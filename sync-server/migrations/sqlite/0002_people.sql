-- Who may what. The same tables as in PostgreSQL, column by column: whoever reads and writes them speaks to both.
-- Times are milliseconds since 1970; secrets lie here as their SHA-256 alone; passwords as argon2id.

-- One row. Raised with every change of who may what, in the same transaction.
CREATE TABLE authority (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL
) STRICT;
INSERT INTO authority (one, version) VALUES (1, 0);

CREATE TABLE person (
    person_id  BLOB PRIMARY KEY,
    -- In small letters. NULL: deleted; the row stays for what bears the name.
    email      TEXT UNIQUE,
    name       TEXT NOT NULL,
    colour     TEXT NOT NULL,
    -- 0 member, 1 admin, 2 owner.
    office     INTEGER NOT NULL,
    -- 0 active, 1 disabled, 2 deleted.
    standing   INTEGER NOT NULL,
    password   TEXT,
    created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE session (
    secret_hash BLOB PRIMARY KEY,
    -- Names it to its owner, who must not see the secret's hash.
    session_id  BLOB NOT NULL UNIQUE,
    -- One of the two.
    person_id   BLOB REFERENCES person (person_id),
    link_id     BLOB,
    -- What a guest is called.
    name        TEXT,
    created_ms  INTEGER NOT NULL,
    used_ms     INTEGER NOT NULL,
    ends_ms     INTEGER NOT NULL,
    agent       TEXT NOT NULL,
    address     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_of_person ON session (person_id);
CREATE INDEX session_of_link ON session (link_id);
CREATE INDEX session_ends ON session (ends_ms);

CREATE TABLE space (
    space_id   BLOB PRIMARY KEY,
    name       TEXT NOT NULL,
    -- Whose private space it is.
    private_of BLOB UNIQUE REFERENCES person (person_id),
    created_ms INTEGER NOT NULL,
    deleted_ms INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE space_member (
    space_id  BLOB NOT NULL REFERENCES space (space_id),
    person_id BLOB NOT NULL REFERENCES person (person_id),
    -- 0 viewer, 1 commenter, 2 editor, 3 owner.
    role      INTEGER NOT NULL,
    since_ms  INTEGER NOT NULL,
    PRIMARY KEY (space_id, person_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX space_member_person ON space_member (person_id);

-- Which space a document lies in. One that is in none belongs to the first, if it was there before people were.
CREATE TABLE belonging (
    name     TEXT PRIMARY KEY,
    space_id BLOB NOT NULL REFERENCES space (space_id),
    made_by  BLOB,
    made_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX belonging_space ON belonging (space_id);

CREATE TABLE share_link (
    link_id     BLOB PRIMARY KEY,
    secret_hash BLOB NOT NULL UNIQUE,
    name        TEXT NOT NULL,
    -- 1: the pages below it, too.
    below       INTEGER NOT NULL,
    role        INTEGER NOT NULL,
    password    TEXT,
    made_by     BLOB NOT NULL REFERENCES person (person_id),
    made_ms     INTEGER NOT NULL,
    ends_ms     INTEGER,
    revoked_ms  INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX share_link_name ON share_link (name);
CREATE INDEX share_link_maker ON share_link (made_by);

CREATE TABLE token (
    secret_hash BLOB PRIMARY KEY,
    token_id    BLOB NOT NULL UNIQUE,
    person_id   BLOB NOT NULL REFERENCES person (person_id),
    label       TEXT NOT NULL,
    space_id    BLOB REFERENCES space (space_id),
    -- 0 read, 1 write, 2 manage.
    reach       INTEGER NOT NULL,
    made_ms     INTEGER NOT NULL,
    used_ms     INTEGER,
    ends_ms     INTEGER,
    revoked_ms  INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX token_of_person ON token (person_id);

-- A link by which somebody comes in, or sets a new password.
CREATE TABLE invitation (
    secret_hash   BLOB PRIMARY KEY,
    invitation_id BLOB NOT NULL UNIQUE,
    -- NULL: makes a new account. Else: sets that one's password.
    person_id     BLOB REFERENCES person (person_id),
    email         TEXT,
    office        INTEGER NOT NULL,
    space_id      BLOB REFERENCES space (space_id),
    role          INTEGER,
    made_by       BLOB,
    made_ms       INTEGER NOT NULL,
    ends_ms       INTEGER NOT NULL,
    used_ms       INTEGER
) STRICT, WITHOUT ROWID;

-- An account elsewhere that a person comes in with.
CREATE TABLE identity (
    issuer    TEXT NOT NULL,
    subject   TEXT NOT NULL,
    person_id BLOB NOT NULL REFERENCES person (person_id),
    PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX identity_person ON identity (person_id);

-- Who did what, when, from where. Never changed; rows of old go by age.
CREATE TABLE audit (
    audit_id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms    INTEGER NOT NULL,
    -- NULL: nobody who is known, or the command line.
    by_id    BLOB,
    by_name  TEXT NOT NULL,
    deed     TEXT NOT NULL,
    object   TEXT NOT NULL,
    detail   TEXT NOT NULL,
    address  TEXT NOT NULL
) STRICT;
CREATE INDEX audit_at ON audit (at_ms);

CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
