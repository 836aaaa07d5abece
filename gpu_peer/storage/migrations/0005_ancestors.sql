-- Logs whose place this one took: up to number `common` they and it are the same.
CREATE TABLE ancestors (
    user TEXT NOT NULL REFERENCES users (id),
    log TEXT NOT NULL,
    common INTEGER NOT NULL CHECK (common >= 0),
    PRIMARY KEY (user, log)
) STRICT, WITHOUT ROWID;
