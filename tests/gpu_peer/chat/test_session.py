from hypothesis import given
from hypothesis import strategies as st

from gpu_peer.chat.session import (
    BAD_MESSAGES,
    HELLO_MS,
    MESSAGES_PER_S,
    TABLE,
    Execute,
    Fetch,
    Follow,
    Kind,
    Reply,
    Session,
    State,
    mermaid,
)
from gpu_peer.uuid7 import uuid7
from protocol import VERSION
from protocol.chat import (
    Alive,
    ChatError,
    CreateChat,
    DeleteChat,
    FetchChat,
    Heartbeat,
    Hello,
    Regenerate,
    RenameChat,
    SendMessage,
    StopAnswer,
    ToHome,
)
from protocol.errors import Malformed, ProtocolError

ID = uuid7()
COMMANDS: list[ToHome] = [
    CreateChat(id=ID, chat=ID, title="t"),
    RenameChat(id=ID, chat=ID, title="t"),
    DeleteChat(id=ID, chat=ID),
    SendMessage(id=ID, chat=ID, message=ID, text="t"),
    Regenerate(id=ID, chat=ID, message=ID),
    StopAnswer(id=ID, answer=ID),
]
HELLO = Hello(version=VERSION, after=3)
messages = st.sampled_from(
    [
        *COMMANDS,
        HELLO,
        FetchChat(chat=ID),
        Hello(version=9, after=0),
        Heartbeat(sent_ms=1),
        Alive(sent_ms=1),
    ]
)
inputs = st.one_of(messages, st.just(Malformed("no")), st.integers(0, 12_000))


def codes(effects: list[object]) -> list[str]:
    return [
        e.message.code for e in effects if isinstance(e, Reply) and isinstance(e.message, ChatError)
    ]


@given(st.lists(inputs, max_size=60))
def test_nothing_is_done_before_hello_or_after_the_end(
    sequence: list[ToHome | ProtocolError | int],
) -> None:
    session, now_ms, greeted = Session(0), 0, False
    for item in sequence:
        was = session.state
        if isinstance(item, int):
            now_ms += item
            effects = session.tick(now_ms)
        elif isinstance(item, ProtocolError):
            effects = session.receive_bad(item)
        else:
            effects = session.receive(item, now_ms)
        for effect in effects:
            if isinstance(effect, Follow):
                assert not greeted, "events flow once"
                greeted = True
            if isinstance(effect, Execute):
                assert greeted
        assert (session.state is not State.AWAITING_HELLO) or not greeted
        if was is State.CLOSED:
            assert effects == []
            assert session.state is State.CLOSED


def test_every_command_is_carried_out_once_the_session_is_open() -> None:
    session = Session(0)
    assert session.receive(HELLO, 0) == [Follow(HELLO)]
    for command in COMMANDS:
        assert session.receive(command, 0) == [Execute(command)]


def test_a_chat_is_fetched_once_the_session_is_open() -> None:
    session = Session(0)
    (early,) = session.receive(FetchChat(chat=ID), 0)
    assert codes([early]) == ["not_ready"]
    session.receive(HELLO, 0)
    assert session.receive(FetchChat(chat=ID), 0) == [Fetch(ID)]


def test_a_command_before_hello_is_refused_by_its_id() -> None:
    (reply,) = Session(0).receive(COMMANDS[0], 0)
    assert isinstance(reply, Reply)
    assert reply.message == ChatError(code="not_ready", message="Say hello first.", re=ID)


def test_a_second_hello_is_refused_and_the_session_lives() -> None:
    session = Session(0)
    session.receive(HELLO, 0)
    assert codes(session.receive(HELLO, 0)) == ["malformed"]
    assert session.state is State.OPEN


def test_a_heartbeat_is_answered_with_its_own_time() -> None:
    assert Session(0).receive(Heartbeat(sent_ms=42), 0) == [Reply(Alive(sent_ms=42))]


def test_the_last_of_too_many_bad_messages_closes() -> None:
    session = Session(0)
    for _ in range(BAD_MESSAGES - 1):
        assert codes(session.receive_bad(Malformed("no"))) == ["malformed"]
        assert session.state is State.AWAITING_HELLO
    assert codes(session.receive_bad(Malformed("no"))) == ["malformed"]
    assert session.state is State.CLOSED


def test_a_flood_is_refused_until_the_next_second() -> None:
    session = Session(0)
    session.receive(HELLO, 0)
    allowed = [session.receive(COMMANDS[0], 500) for _ in range(MESSAGES_PER_S - 1)]
    assert all(isinstance(effect, Execute) for (effect,) in allowed)
    assert codes(session.receive(COMMANDS[0], 999)) == ["rate_limited"]
    assert session.receive(COMMANDS[0], 1000) == [Execute(COMMANDS[0])]


def test_who_says_nothing_is_sent_away_in_time() -> None:
    session = Session(0)
    assert session.tick(HELLO_MS - 1) == []
    assert codes(session.tick(HELLO_MS)) == ["not_ready"]
    assert session.state is State.CLOSED


def test_the_table_is_total_and_its_drawing_shows_it() -> None:
    assert set(TABLE) == {(state, kind) for state in State for kind in Kind}
    drawing = mermaid()
    assert "AWAITING_HELLO --> OPEN: hello / welcome, then events" in drawing
    assert drawing.count("-->") == 21
