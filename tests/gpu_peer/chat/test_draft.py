import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_peer.chat.draft import DELTA_INTERVAL_S, FIRST_DELTAS, Draft

steps = st.lists(st.tuples(st.floats(0, 0.1), st.text(max_size=4)), max_size=80)


@given(steps)
def test_deltas_make_the_text_and_never_more_than_thirty_a_second(
    steps: list[tuple[float, str]],
) -> None:
    draft, now_s, made = Draft(), 0.0, []
    for wait_s, piece in steps:
        now_s += wait_s
        draft.add(piece)
        if draft.flush(now_s):
            made.append(now_s)
    assert draft.text == "".join(piece for _, piece in steps)
    assert "".join(draft.delta(i) for i in range(draft.index)) == draft.sent_text
    assert draft.text.startswith(draft.sent_text)
    assert len(made) == draft.index
    gaps = [
        later - earlier
        for earlier, later in zip(made[FIRST_DELTAS - 1 :], made[FIRST_DELTAS:], strict=False)
    ]
    assert all(gap >= DELTA_INTERVAL_S - 1e-9 for gap in gaps)


def test_the_first_words_are_due_at_once_and_then_one_delta_a_frame() -> None:
    draft = Draft()
    assert draft.due_in_s(5.0) is None
    for number in range(FIRST_DELTAS):
        draft.add("a")
        assert draft.due_in_s(5.0) == 0.0
        assert draft.flush(5.0)
        assert draft.index == number + 1
        assert draft.due_in_s(5.0) is None
    draft.add("b")
    assert draft.due_in_s(5.0) == pytest.approx(DELTA_INTERVAL_S)
    assert not draft.flush(5.0)
    assert draft.flush(5.0 + DELTA_INTERVAL_S)
