-- The address of an account of which somebody has said who can know it that it is theirs: whoever runs the installation, one who
-- looks after people, a provider of accounts, or a letter that was answered. It counts while the account has this very address.
CREATE TABLE confirmed_address (
    person_id    BLOB PRIMARY KEY REFERENCES person (person_id),
    email        TEXT NOT NULL,
    confirmed_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
