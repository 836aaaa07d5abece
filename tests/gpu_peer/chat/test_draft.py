import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_peer.chat.draft import DELTA_INTERVAL_S, Draft

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
    gaps = [later - earlier for earlier, later in zip(made, made[1:], strict=False)]
    assert all(gap >= DELTA_INTERVAL_S - 1e-9 for gap in gaps)


def test_the_first_piece_is_due_at_once_and_the_next_a_frame_later() -> None:
    draft = Draft()
    assert draft.due_in_s(5.0) is None
    draft.add("a")
    assert draft.due_in_s(5.0) == 0.0
    assert draft.flush(5.0)
    assert draft.due_in_s(5.0) is None
    draft.add("b")
    assert draft.due_in_s(5.0) == pytest.approx(DELTA_INTERVAL_S)
    assert not draft.flush(5.0)
    assert draft.flush(5.0 + DELTA_INTERVAL_S)
