-- Who may what. The same tables as in SQLite, column by column: whoever reads and writes them speaks to both.
-- Times are milliseconds since 1970; secrets lie here as their SHA-256 alone; passwords as argon2id.

-- One row. Raised with every change of who may what, in the same transaction.
CREATE TABLE authority (
    one     BIGINT PRIMARY KEY CHECK (one = 1),
    version BIGINT NOT NULL
);
INSERT INTO authority (one, version) VALUES (1, 0);

CREATE TABLE person (
    person_id  BYTEA PRIMARY KEY,
    -- In small letters. NULL: deleted; the row stays for what bears the name.
    email      TEXT COLLATE "C" UNIQUE,
    name       TEXT NOT NULL,
    colour     TEXT NOT NULL,
    -- 0 member, 1 admin, 2 owner.
    office     BIGINT NOT NULL,
    -- 0 active, 1 disabled, 2 deleted.
    standing   BIGINT NOT NULL,
    password   TEXT,
    created_ms BIGINT NOT NULL
);

CREATE TABLE session (
    secret_hash BYTEA PRIMARY KEY,
    -- Names it to its owner, who must not see the secret's hash.
    session_id  BYTEA NOT NULL UNIQUE,
    -- One of the two.
    person_id   BYTEA REFERENCES person (person_id),
    link_id     BYTEA,
    -- What a guest is called.
    name        TEXT,
    created_ms  BIGINT NOT NULL,
    used_ms     BIGINT NOT NULL,
    ends_ms     BIGINT NOT NULL,
    agent       TEXT NOT NULL,
    address     TEXT NOT NULL
);
CREATE INDEX session_of_person ON session (person_id);
CREATE INDEX session_of_link ON session (link_id);
CREATE INDEX session_ends ON session (ends_ms);

CREATE TABLE space (
    space_id   BYTEA PRIMARY KEY,
    name       TEXT NOT NULL,
    -- Whose private space it is.
    private_of BYTEA UNIQUE REFERENCES person (person_id),
    created_ms BIGINT NOT NULL,
    deleted_ms BIGINT
);

CREATE TABLE space_member (
    space_id  BYTEA NOT NULL REFERENCES space (space_id),
    person_id BYTEA NOT NULL REFERENCES person (person_id),
    -- 0 viewer, 1 commenter, 2 editor, 3 owner.
    role      BIGINT NOT NULL,
    since_ms  BIGINT NOT NULL,
    PRIMARY KEY (space_id, person_id)
);
CREATE INDEX space_member_person ON space_member (person_id);

-- Which space a document lies in. One that is in none belongs to the first, if it was there before people were.
CREATE TABLE belonging (
    name     TEXT COLLATE "C" PRIMARY KEY,
    space_id BYTEA NOT NULL REFERENCES space (space_id),
    made_by  BYTEA,
    made_ms  BIGINT NOT NULL
);
CREATE INDEX belonging_space ON belonging (space_id);

CREATE TABLE share_link (
    link_id     BYTEA PRIMARY KEY,
    secret_hash BYTEA NOT NULL UNIQUE,
    name        TEXT NOT NULL,
    -- 1: the pages below it, too.
    below       BIGINT NOT NULL,
    role        BIGINT NOT NULL,
    password    TEXT,
    made_by     BYTEA NOT NULL REFERENCES person (person_id),
    made_ms     BIGINT NOT NULL,
    ends_ms     BIGINT,
    revoked_ms  BIGINT
);
CREATE INDEX share_link_name ON share_link (name);
CREATE INDEX share_link_maker ON share_link (made_by);

CREATE TABLE token (
    secret_hash BYTEA PRIMARY KEY,
    token_id    BYTEA NOT NULL UNIQUE,
    person_id   BYTEA NOT NULL REFERENCES person (person_id),
    label       TEXT NOT NULL,
    space_id    BYTEA REFERENCES space (space_id),
    -- 0 read, 1 write, 2 manage.
    reach       BIGINT NOT NULL,
    made_ms     BIGINT NOT NULL,
    used_ms     BIGINT,
    ends_ms     BIGINT,
    revoked_ms  BIGINT
);
CREATE INDEX token_of_person ON token (person_id);

-- A link by which somebody comes in, or sets a new password.
CREATE TABLE invitation (
    secret_hash   BYTEA PRIMARY KEY,
    invitation_id BYTEA NOT NULL UNIQUE,
    -- NULL: makes a new account. Else: sets that one's password.
    person_id     BYTEA REFERENCES person (person_id),
    email         TEXT,
    office        BIGINT NOT NULL,
    space_id      BYTEA REFERENCES space (space_id),
    role          BIGINT,
    made_by       BYTEA,
    made_ms       BIGINT NOT NULL,
    ends_ms       BIGINT NOT NULL,
    used_ms       BIGINT
);

-- An account elsewhere that a person comes in with.
CREATE TABLE identity (
    issuer    TEXT COLLATE "C" NOT NULL,
    subject   TEXT COLLATE "C" NOT NULL,
    person_id BYTEA NOT NULL REFERENCES person (person_id),
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX identity_person ON identity (person_id);

-- Who did what, when, from where. Never changed; rows of old go by age.
CREATE TABLE audit (
    audit_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at_ms    BIGINT NOT NULL,
    -- NULL: nobody who is known, or the command line.
    by_id    BYTEA,
    by_name  TEXT NOT NULL,
    deed     TEXT NOT NULL,
    object   TEXT NOT NULL,
    detail   TEXT NOT NULL,
    address  TEXT NOT NULL
);
CREATE INDEX audit_at ON audit (at_ms);

CREATE TABLE setting (
    name  TEXT COLLATE "C" PRIMARY KEY,
    value TEXT NOT NULL
);
