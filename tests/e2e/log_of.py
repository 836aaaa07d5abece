"""Print all events that a home's log has, in the order of their numbers: a JSON list."""

import json
import sqlite3
import sys
from pathlib import Path

with sqlite3.connect(Path(sys.argv[1]) / "chats.sqlite3") as log:
    rows = log.execute("SELECT body FROM events ORDER BY user, seq")
    json.dump([json.loads(body) for (body,) in rows], sys.stdout)
