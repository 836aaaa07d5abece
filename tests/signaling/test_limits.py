"""Token buckets, counters, and what an address is counted under."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.errors import RateLimited
from signaling.limits import Bucket, Counter, Limiter, address_key


def test_a_bucket_empties_and_fills() -> None:
    bucket = Bucket(2, now=0)
    assert [bucket.take(2, 0.5, 0) for _ in range(3)] == [0, 0, 2.0]
    assert bucket.take(2, 0.5, 1.9) > 0
    assert bucket.take(2, 0.5, 2.1) == 0


@given(st.lists(st.floats(0, 5), max_size=200))
def test_a_bucket_never_gives_more_than_its_size_and_rate(pauses: list[float]) -> None:
    bucket, now, taken = Bucket(5, now=0), 0.0, 0
    for pause in pauses:
        now += pause
        taken += bucket.take(5, 2, now) == 0
    assert taken <= 5 + 2 * now + 1e-6


def test_a_clock_that_goes_back_gives_nothing() -> None:
    bucket = Bucket(1, now=100)
    assert bucket.take(1, 1, 100) == 0
    assert bucket.take(1, 1, 0) == 1
    assert bucket.take(1, 1, 0.5) > 0


def test_a_limiter_says_when_and_keeps_keys_apart() -> None:
    limiter = Limiter(2, per_s=60, bound=10)
    limiter.take("a", 0)
    limiter.take("a", 0)
    with pytest.raises(RateLimited) as refused:
        limiter.take("a", 0)
    assert refused.value.retry_after_s == 30
    limiter.take("b", 0)
    limiter.give_back("a")
    limiter.take("a", 0)


def test_a_limiter_forgets_the_key_unseen_longest() -> None:
    limiter = Limiter(1, per_s=60, bound=2)
    for key in ("a", "b", "c"):
        limiter.take(key, 0)
    assert len(limiter) == 2
    with pytest.raises(RateLimited):
        limiter.take("b", 0)
    limiter.take("a", 0)


def test_a_counter_holds_so_many_and_forgets_empty_keys() -> None:
    counter = Counter(2)
    assert [counter.hold("a") for _ in range(3)] == [True, True, False]
    counter.release("a")
    assert counter.hold("a")
    counter.release("a")
    counter.release("a")
    assert len(counter) == 0


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::"),
        (None, "unknown"),
        ("nonsense", "unknown"),
    ],
)
def test_addresses_of_one_customer_count_together(address: str | None, key: str) -> None:
    assert address_key(address) == key
