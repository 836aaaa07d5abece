"""The wire, defined once: every message between the parts, and its framing.

`accounts` and `signaling` travel between a client and the VDS; `trust`, then `chat`, in frames of
`framing`, on the data channel between a device and the PC. What both sign is in `transcript`.
`scripts/generate` writes `schema.json` and the TypeScript from these structs; both languages are
held to `vectors/`.
"""

VERSION = 1
"""The version spoken on every road. The first message of each connection carries it."""
