-- What each device dials this PC with in its own network, random and the device's alone. Deleted when
-- the device is removed; one that comes back gets others.
CREATE TABLE lan_credentials (
    device TEXT PRIMARY KEY REFERENCES devices (id),
    ufrag TEXT NOT NULL UNIQUE,
    password TEXT NOT NULL
) STRICT, WITHOUT ROWID;
