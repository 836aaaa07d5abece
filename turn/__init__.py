"""The closed relay: TURN (RFC 8656) between allocations of this very relay, and nothing else."""
