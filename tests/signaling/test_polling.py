"""Messages that are asked for: each once and in order, whatever is lost on the way."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import Malformed
from signaling.errors import Replaced
from signaling.polling import Poll

NOW = 0.0  # of patience: whoever asks gets what there is

event = st.one_of(
    st.just("server says"),
    st.just("client says"),
    st.tuples(st.just("ask"), st.booleans()),  # whether the answer arrives
    st.tuples(st.just("post"), st.booleans(), st.booleans()),  # whether it, and its answer, does
)


@given(st.lists(event, max_size=60))
def test_each_message_comes_once_and_in_order_whatever_is_lost(events: list[object]) -> None:
    async def run() -> None:
        poll = Poll(1000)
        said, heard = 0, []  # by the server, and what the client has of it
        wanted, taken = 0, []  # what the client says, and what the server took
        confirmed = 0
        for happens in events:
            match happens:
                case "server says":
                    poll.push(b"%d" % said)
                    said += 1
                case "client says":
                    wanted += 1
                case ("ask", arrives):
                    batch = await poll.ask(len(heard), NOW)
                    if arrives:
                        heard += batch
                case ("post", arrives, answered):
                    batch = [b"%d" % number for number in range(confirmed, wanted)]
                    if arrives:
                        for message in poll.fresh(batch, confirmed):
                            poll.count()
                            taken.append(message)
                        confirmed = wanted if answered else confirmed
        heard += await poll.ask(len(heard), NOW)
        assert heard == [b"%d" % number for number in range(said)]
        assert taken == [b"%d" % number for number in range(len(taken))]
        assert len(taken) >= confirmed

    asyncio.run(run())


async def test_what_was_not_acknowledged_is_given_again() -> None:
    poll = Poll(4)
    poll.push(b"0")
    poll.push(b"1")
    assert await poll.ask(0, NOW) == [b"0", b"1"]
    assert await poll.ask(0, NOW) == [b"0", b"1"]
    assert await poll.ask(1, NOW) == [b"1"]
    for gone_or_not_yet in (0, 3):
        with pytest.raises(Malformed):
            await poll.ask(gone_or_not_yet, NOW)


async def test_who_waits_is_told_at_once_and_only_the_latest_who_asked() -> None:
    poll = Poll(4)
    older = asyncio.create_task(poll.ask(0, 60))
    await asyncio.sleep(0)
    newer = asyncio.create_task(poll.ask(0, 60))
    assert await older == []
    poll.push(b"0")
    assert await newer == [b"0"]


async def test_an_older_answer_never_holds_what_a_newer_one_took() -> None:
    poll = Poll(4)
    poll.push(b"0")
    poll.push(b"1")
    assert await poll.ask(0, NOW) == [b"0", b"1"]
    waiting = asyncio.create_task(poll.ask(2, 60))
    await asyncio.sleep(0)
    poll.push(b"2")
    assert await poll.ask(3, NOW) == []
    assert await waiting == []


async def test_a_gap_is_refused_and_who_does_not_count_is_taken_at_their_word() -> None:
    poll = Poll(4)
    with pytest.raises(Malformed):
        poll.fresh([b"1"], 1)
    assert poll.fresh([b"a", b"b"], None) == [b"a", b"b"]


async def test_who_does_not_ask_is_cut_off() -> None:
    poll = Poll(3)
    for number in range(3):
        poll.push(b"%d" % number)
    assert len(await poll.ask(0, NOW)) == 3
    assert not poll.closing
    poll.push(b"3")
    assert poll.closing
    assert poll.is_done
    assert await poll.ask(3, 60) == []


async def test_why_is_kept_until_it_is_acknowledged_and_nothing_after_it() -> None:
    poll = Poll(4)
    waiting = asyncio.create_task(poll.ask(0, 60))
    await asyncio.sleep(0)
    poll.refuse(Replaced())
    poll.push(b"after")
    (why,) = await waiting
    assert b'"replaced"' in why
    assert not poll.is_done
    assert await poll.ask(1, 60) == []
    assert poll.is_done
