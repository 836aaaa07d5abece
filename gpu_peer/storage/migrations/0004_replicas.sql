-- Made with the first look at it, a UUIDv7. NULL where another took the log's place: then a new one is made.
ALTER TABLE users ADD COLUMN log TEXT;

-- What a list of chats shows, so that it needs no event. A deleted chat has none of it.
ALTER TABLE chats ADD COLUMN title TEXT NOT NULL DEFAULT '';
ALTER TABLE chats ADD COLUMN folder TEXT;
ALTER TABLE chats ADD COLUMN changed_ms INTEGER NOT NULL DEFAULT 0;

-- Events of no chat are those of settings. `parent` is what a message follows: the chat, or a message.
CREATE TABLE events_with_parents (
    user TEXT NOT NULL REFERENCES users (id),
    seq INTEGER NOT NULL CHECK (seq > 0),
    chat TEXT,
    type TEXT NOT NULL,
    message TEXT,
    answer TEXT,
    parent TEXT,
    body BLOB NOT NULL,
    PRIMARY KEY (user, seq),
    FOREIGN KEY (user, chat) REFERENCES chats (user, id)
) STRICT;

-- Before there were branches each message followed the one written before it.
INSERT INTO events_with_parents
SELECT user, seq, chat, type, message, answer,
    CASE WHEN type = 'message_written'
        THEN coalesce(lag(message) OVER (PARTITION BY user, chat, type ORDER BY seq), chat) END,
    body
FROM events
ORDER BY user, seq;

DROP TABLE events;
ALTER TABLE events_with_parents RENAME TO events;

CREATE INDEX events_of_chat ON events (user, chat, seq);
CREATE UNIQUE INDEX message_once ON events (user, message) WHERE type = 'message_written';
CREATE UNIQUE INDEX answer_once ON events (user, answer) WHERE type = 'answer_begun';
CREATE INDEX answers_of_message ON events (user, message, seq) WHERE type = 'answer_begun';
CREATE INDEX messages_after ON events (user, parent) WHERE type = 'message_written';

UPDATE chats SET
    title = coalesce((
        SELECT json_extract(CAST(body AS TEXT), '$.title') FROM events
        WHERE events.user = chats.user AND chat = chats.id
            AND type IN ('chat_created', 'chat_renamed')
        ORDER BY seq DESC LIMIT 1
    ), ''),
    changed_ms = coalesce((
        SELECT max(json_extract(CAST(body AS TEXT), '$.at_ms')) FROM events
        WHERE events.user = chats.user AND chat = chats.id
            AND type IN ('chat_created', 'message_written', 'answer_begun', 'answer_ended')
    ), 0)
WHERE NOT deleted;

-- Messages whose answer begins when those before them in the chat have theirs, in order of `seq`.
CREATE TABLE waiting (
    user TEXT NOT NULL,
    seq INTEGER NOT NULL,
    chat TEXT NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (user, seq),
    FOREIGN KEY (user, chat) REFERENCES chats (user, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX waiting_in_chat ON waiting (user, chat, seq);

-- What a person chose for all of their devices, as the newest event of each says.
CREATE TABLE settings (
    user TEXT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (user, name)
) STRICT, WITHOUT ROWID;
