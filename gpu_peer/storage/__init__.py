"""What the PC keeps: for every user an append-only log of events, in one SQLite file."""
