-- When the home of a room last said that it knows a device of the room's person.
ALTER TABLE rooms ADD COLUMN vouched_at REAL NOT NULL DEFAULT 0;

-- The account that a home's owner has here by the home's word.
ALTER TABLE homes ADD COLUMN owner_id TEXT REFERENCES users (id) ON DELETE SET NULL;
