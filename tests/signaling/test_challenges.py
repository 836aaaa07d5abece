"""Challenges: one for each holder, good once and for a short while."""

from signaling.challenges import CHALLENGE_SECONDS, Challenges


def test_a_challenge_is_taken_once() -> None:
    challenges = Challenges(10)
    challenge = challenges.make("ann", now=0)
    assert len(challenge) == 32
    assert challenges.take("bob", now=1) is None
    assert challenges.take("ann", now=1) == challenge
    assert challenges.take("ann", now=1) is None


def test_a_challenge_ends() -> None:
    challenges = Challenges(10)
    challenge = challenges.make("ann", now=0)
    assert challenges.take("ann", now=CHALLENGE_SECONDS - 0.1) == challenge
    challenges.make("ann", now=0)
    assert challenges.take("ann", now=CHALLENGE_SECONDS) is None


def test_a_new_one_takes_the_place_of_the_old() -> None:
    challenges = Challenges(10)
    old, new = challenges.make("ann", now=0), challenges.make("ann", now=1)
    assert old != new
    assert len(challenges) == 1
    assert challenges.take("ann", now=2) == new


def test_memory_does_not_grow_with_who_asks() -> None:
    challenges = Challenges(3)
    for number in range(100):
        challenges.make(f"holder {number}", now=0)
    assert len(challenges) == 3
    assert challenges.take("holder 96", now=0) is None
    assert challenges.take("holder 97", now=0) is not None
