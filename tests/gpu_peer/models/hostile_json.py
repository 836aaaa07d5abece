"""Any JSON, and the numbers that readers of lengths and offsets stumble over."""

from __future__ import annotations

from hypothesis import strategies as st

HUGE = [-1, 0, 1, 2, 8, 2**31, 2**32, 10**9, 2**53, 2**63, 2**64 - 1, 10**19]
NUMBERS = st.sampled_from(HUGE) | st.integers(0, 200)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | NUMBERS
    | st.floats()
    | st.text(st.characters(), max_size=8)
    | st.sampled_from(["\ud800", "llama3", "linear", "F32", "BF16", "__metadata__", "\n", 1e308])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=8,
)
