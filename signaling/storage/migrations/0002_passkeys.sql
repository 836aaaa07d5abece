-- What an authenticator knows a person by: random, and of no use anywhere else.
CREATE TABLE passkey_handles (
    user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    handle BLOB NOT NULL UNIQUE
) STRICT;

CREATE TABLE passkeys (
    id BLOB PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    public_key BLOB NOT NULL,
    sign_count INTEGER NOT NULL,
    created_at REAL NOT NULL,
    used_at REAL
) STRICT;

CREATE INDEX passkeys_by_user ON passkeys (user_id);
