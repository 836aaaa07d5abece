-- People of this home. The id is also that of the person's log in `users`. One of them is the owner.
CREATE TABLE people (
    id TEXT PRIMARY KEY CHECK (id <> ''),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
    role TEXT NOT NULL CHECK (role IN ('owner', 'member', 'guest')),
    made_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX one_owner ON people (role) WHERE role = 'owner';

-- Devices that were ever paired; none is ever deleted. What counts is `revoked`, not a time, so that
-- a clock that is set back lets nobody in. `revoked_ms` stays when a device is paired again.
CREATE TABLE devices (
    id TEXT PRIMARY KEY CHECK (length(id) = 32),
    key BLOB NOT NULL UNIQUE,
    algorithm TEXT NOT NULL,
    person TEXT NOT NULL REFERENCES people (id),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
    paired_ms INTEGER NOT NULL,
    seen_ms INTEGER,
    road TEXT,
    revoked INTEGER NOT NULL DEFAULT 0 CHECK (revoked IN (0, 1)),
    revoked_ms INTEGER,
    CHECK (
        (algorithm = 'ed25519' AND length(key) = 32) OR (algorithm = 'p256' AND length(key) = 65)
    ),
    CHECK (NOT revoked OR revoked_ms IS NOT NULL)
) STRICT, WITHOUT ROWID;

CREATE INDEX devices_of_person ON devices (person, paired_ms);
