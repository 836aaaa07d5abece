"""Print the texts of all answers that have ended, as a home's log has them: a JSON list."""

import json
import sqlite3
import sys
from pathlib import Path

with sqlite3.connect(Path(sys.argv[1]) / "chats.sqlite3") as log:
    rows = log.execute("SELECT body FROM events WHERE type = 'answer_ended' ORDER BY seq")
    json.dump([json.loads(body)["text"] for (body,) in rows], sys.stdout)
