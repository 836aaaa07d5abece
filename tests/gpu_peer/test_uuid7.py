import time
import uuid

import msgspec

from gpu_peer.uuid7 import uuid7
from protocol.base import Id


def test_it_is_an_id_of_the_wire_and_carries_the_time() -> None:
    before = time.time_ns() // 1_000_000
    ids = [uuid7() for _ in range(1000)]
    after = time.time_ns() // 1_000_000
    assert len(set(ids)) == 1000
    for made in ids:
        assert msgspec.json.decode(msgspec.json.encode(made), type=Id) == made
        assert before <= uuid.UUID(made).int >> 80 <= after
