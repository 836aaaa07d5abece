-- The log of events, one per user. `head` only grows, also when the newest events are deleted.
CREATE TABLE users (
    id TEXT PRIMARY KEY,
    head INTEGER NOT NULL CHECK (head >= 0)
) STRICT, WITHOUT ROWID;

-- Ids are made by devices, so they are unique for one user only: nobody can learn by trying
-- which ids another user has. A deleted chat stays as a row without text.
CREATE TABLE chats (
    user TEXT NOT NULL REFERENCES users (id),
    id TEXT NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0 CHECK (deleted IN (0, 1)),
    PRIMARY KEY (user, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    user TEXT NOT NULL,
    seq INTEGER NOT NULL CHECK (seq > 0),
    chat TEXT NOT NULL,
    type TEXT NOT NULL,
    message TEXT,
    answer TEXT,
    body BLOB NOT NULL,
    PRIMARY KEY (user, seq),
    FOREIGN KEY (user, chat) REFERENCES chats (user, id)
) STRICT;

CREATE INDEX events_of_chat ON events (user, chat, seq);
CREATE UNIQUE INDEX message_once ON events (user, message) WHERE type = 'message_written';
CREATE UNIQUE INDEX answer_once ON events (user, answer) WHERE type = 'answer_begun';

-- Commands that were carried out, so that sending one again changes nothing.
CREATE TABLE commands (
    user TEXT NOT NULL REFERENCES users (id),
    id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (user, id)
) STRICT, WITHOUT ROWID;

-- Answers that were begun and have not ended, with their text as of at most a second ago.
CREATE TABLE drafts (
    user TEXT NOT NULL,
    chat TEXT NOT NULL,
    answer TEXT NOT NULL,
    text TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (user, chat),
    FOREIGN KEY (user, chat) REFERENCES chats (user, id)
) STRICT;

CREATE UNIQUE INDEX draft_of_answer ON drafts (user, answer);
