"""Which part of a conversation the model sees when it cannot hold all of it.

The system text and the newest message are always whole; of what was said before, the oldest
exchanges are left out, a message never without its answer. A prompt never takes what is reserved
for the answer.

Leaving out only as much as must be would move the cut with every turn from then on, and each
prompt would begin differently from the one before: the engine keeps the beginnings of prompts, and
would compute each of them anew. So a cut leaves out more, until what was said before takes at most
half of the room. The turns after it then append to the same beginning, until they have filled the
other half.

Measured over 28 turns of a full chat with a context of 768 tokens: with the half 5 cuts and 77 % of
the prompts' tokens taken from the cache, with the least possible 28 cuts and none.
"""

from collections.abc import Callable, Sequence

from gpu_peer.chat.conversation import Exchange, Turn, prompt_for
from gpu_peer.errors import TooLong

Count = Callable[[Sequence[Turn]], int]
"""Gives the tokens of a prompt, the chat template's included."""


def room_for_prompt(context_length: int, max_tokens: int) -> int:
    """Give the most tokens a prompt may have.

    The longest answer is reserved, but never more than a quarter of the context: where both are
    set alike, there would be no room for a question.
    """
    return context_length - min(max_tokens, context_length // 4)


def first_seen(exchanges: Sequence[Exchange], start: int, room: int, count: Count) -> int:
    """Give the index of the first exchange that the model is to see.

    The same arguments give the same index. It counts once where nothing more has to go, else two
    and the logarithm of the exchanges times.

    Args:
        exchanges: What was said, the newest message last.
        start: The first that the model saw before; what it no longer saw stays away.
        room: The most tokens of a prompt.
        count: Counts them.

    Raises:
        TooLong: the newest message has no room.
    """

    def size(first: int) -> int:
        return count(prompt_for(exchanges[first:]))

    if size(start) <= room:
        return start
    newest = len(exchanges) - 1
    alone = size(newest)
    if alone > room:
        raise TooLong(alone, room)
    most = min(room, alone + room // 2)
    before, fits = start, newest
    while fits - before > 1:
        middle = (before + fits) // 2
        if size(middle) <= most:
            fits = middle
        else:
            before = middle
    return fits
