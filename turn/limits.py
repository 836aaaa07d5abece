"""What the relay gives away at most."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Allocations in number, relayed data in bytes a second, by each user and of all together.

    And answers a second to one address that has shown no credentials: see `strangers`.
    """

    allocations_per_user: int
    allocations: int
    bytes_per_s_and_user: float
    bytes_per_s: float
    answers_per_s_and_address: float


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """Open TCP connections, of all and from one address, and how soon one must be used."""

    connections: int
    per_address: int
    allocate_within_s: float
