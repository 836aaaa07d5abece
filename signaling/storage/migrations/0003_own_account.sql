-- When a session began nobody noted before; its last use is the nearest that is known.
ALTER TABLE sessions ADD COLUMN began_at REAL NOT NULL DEFAULT 0;
UPDATE sessions SET began_at = rotated_at;

-- When its person last showed a password or a passkey in it.
ALTER TABLE sessions ADD COLUMN proved_at REAL NOT NULL DEFAULT 0;

-- Families of browser and system, from a list of ours; never the header itself.
ALTER TABLE sessions ADD COLUMN client TEXT NOT NULL DEFAULT '';

-- Notices up to here were seen in it.
ALTER TABLE sessions ADD COLUMN noticed_at REAL NOT NULL DEFAULT 0;

-- What happened to an account: never from where.
CREATE TABLE notices (
    id INTEGER PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    subject TEXT,
    count INTEGER NOT NULL,
    first_at REAL NOT NULL,
    last_at REAL NOT NULL,
    by_session TEXT
) STRICT;

CREATE INDEX notices_by_user ON notices (user_id, kind, id);
