"""What the PC keeps, in one SQLite file: logs of events, people, and their devices."""
