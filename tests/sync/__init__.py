"""Whether devices and the PC agree, whatever happens: real code of both, one seed, virtual time.

`python -m tests.sync` plays seeds. In each, up to five devices run the app's `SyncEngine` in a node
process, and the PC its `Home` on SQLite in the Python process that started it. One seeded scheduler
(`happenings.ts`) does everything in turn: what people do, what is carried over, cuts, kills, the
clock.
"""
