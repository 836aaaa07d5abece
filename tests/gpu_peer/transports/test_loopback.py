"""Two real WebRTC ends, a stand-in for signaling between them, a scripted engine behind."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiortc import RTCCertificate, RTCSessionDescription
from aiortc.rtcdtlstransport import SRTPProtectionProfile
from OpenSSL import SSL

from gpu_peer.chat.conversation import SYSTEM
from gpu_peer.clock import LoopClock
from gpu_peer.errors import ChannelClosed
from gpu_peer.transports import signaled_sessions
from gpu_peer.transports.certificate import SUITES
from gpu_peer.transports.signaled_sessions import SignaledSessions
from gpu_peer.uuid7 import uuid7
from protocol.chat import (
    Acknowledged,
    AnswerEnded,
    ChatError,
    CreateChat,
    Delta,
    Hello,
    MessageWritten,
    SendMessage,
    StopAnswer,
)
from protocol.framing import FIRST, LAST
from protocol.limits import FRAME_BYTES, TEXT_CHARS
from protocol.signaling import Answer, Candidate
from tests.gpu_peer.support.device import RtcDevice
from tests.gpu_peer.support.house import House, a_house, sessions_of

WHOLE = bytes([FIRST | LAST])


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(tmp_path / "chats.sqlite3", LoopClock()) as house:
        yield house


@pytest.fixture
async def sessions(tmp_path: Path, house: House) -> AsyncIterator[SignaledSessions]:
    async with sessions_of(house, tmp_path) as sessions:
        yield sessions


@pytest.fixture
async def device(house: House, sessions: SignaledSessions) -> AsyncIterator[RtcDevice]:
    device = await house.device("ann", sessions)
    yield device
    await device.leave()


async def test_a_conversation(house: House, device: RtcDevice) -> None:
    await device.connect()
    welcome = await device.greet()
    assert (welcome.head, welcome.model) == (0, "scripted")
    chat = await device.create_chat()
    begun = await device.ask(chat, "What is the capital of France?")
    generation = await house.engine.submitted()
    assert generation == begun.answer
    assert house.engine.prompts[generation] == [SYSTEM, ("user", "What is the capital of France?")]
    house.engine.say(generation, "The capital ")
    assert (await device.hear(Delta)).text == "The capital "
    house.engine.say(generation, "is Paris.")
    assert (await device.hear(Delta)).text == "is Paris."
    house.engine.end(generation)
    ended = await device.event(AnswerEnded)
    assert (ended.reason, ended.text) == ("stop", "The capital is Paris.")
    assert ended.timings is not None
    assert ended.timings.completion_tokens == 10


async def test_stop(house: House, device: RtcDevice) -> None:
    await device.connect()
    await device.greet()
    begun = await device.ask(await device.create_chat(), "Count.")
    await house.engine.submitted()
    house.engine.say(begun.answer, "One, two, ")
    await device.hear(Delta)
    device.say(StopAnswer(id=uuid7(), answer=begun.answer))
    await device.hear(Acknowledged)
    assert house.engine.cancelled == {begun.answer}
    house.engine.end(begun.answer, "cancelled")
    ended = await device.event(AnswerEnded)
    assert (ended.reason, ended.text) == ("stopped", "One, two, ")


async def test_what_is_not_a_message_is_answered_and_costs_only_itself(device: RtcDevice) -> None:
    await device.connect()
    await device.greet()
    flood = [bytes([FIRST if n == 0 else 0]) + bytes(FRAME_BYTES - 1) for n in range(70)]
    for frames, code in [
        ([b""], "malformed"),
        ([b"\xff{}"], "malformed"),
        ([WHOLE + b"\xff\xfe"], "malformed"),
        (["text frame"], "malformed"),
        ([WHOLE + b'{"type":"dance"}'], "unknown_type"),
        ([WHOLE + b'{"type":"hello","version":"1","after":0}'], "malformed"),
        ([*flood, bytes([LAST])], "too_large"),
    ]:
        device.say_raw(*frames)
        assert (await device.hear(ChatError)).code == code
    await device.create_chat()


async def test_the_longest_text_arrives_and_comes_back_whole(device: RtcDevice) -> None:
    await device.connect()
    await device.greet()
    chat = await device.create_chat()
    text = "\x01ы" * (TEXT_CHARS // 2)
    device.say(SendMessage(id=uuid7(), chat=chat, message=uuid7(), text=text))
    assert (await device.event(MessageWritten)).text == text


async def test_another_version_is_sent_away_with_a_sentence(device: RtcDevice) -> None:
    await device.connect()
    device.say(Hello(version=999, after=0))
    assert (await device.hear(ChatError)).code == "unsupported_version"
    with pytest.raises(ChannelClosed):
        await device.next()


async def test_an_answer_outlives_its_device(house: House, sessions: SignaledSessions) -> None:
    first = await house.device("ann", sessions)
    await first.connect()
    await first.greet()
    begun = await first.ask(await first.create_chat(), "Go on.")
    await house.engine.submitted()
    await first.leave()
    house.engine.say(begun.answer, "Still ")
    house.engine.say(begun.answer, "here.")
    house.engine.end(begun.answer)
    second = await house.device("ann", sessions)
    await second.connect()
    await second.greet()
    assert (await second.event(AnswerEnded)).text == "Still here."
    await second.leave()


async def test_addresses_that_cannot_be_resolved_cost_nothing(device: RtcDevice) -> None:
    """A browser hides its addresses behind names; its own checks still reach the PC."""
    await device.peer.setLocalDescription(await device.peer.createOffer())
    lines = [
        line
        for line in device.peer.localDescription.sdp.splitlines()
        if not line.startswith(("a=candidate", "a=end-of-candidates"))
    ]
    hidden = "candidate:1 1 udp 2113937151 2b5e6ba4-33a2-4b3f-8d1a-0c9a7d1ce0b1.local 5 typ host"
    lines += [f"a={hidden}", "a=end-of-candidates", ""]
    answered = device.connect("\r\n".join(lines))
    device.post(Candidate(connection="c1", candidate=hidden, sdp_mid="0"))
    device.post(Candidate(connection="c1", candidate="candidate:nonsense", sdp_mid="0"))
    device.post(Candidate(connection="c1", candidate="", sdp_mid="0"))
    await answered
    await device.greet()


async def test_offers_that_cannot_be_answered(sessions: SignaledSessions) -> None:
    for sdp in ["nonsense", "v=0\r\nm=audio 9 RTP/AVP 0\r\n", "m=application 9 x y\r\n"]:
        device = RtcDevice("ann", sessions)
        refusal = await device.offer(sdp)
        assert getattr(refusal, "code", None) == "malformed"
        await device.leave()
    assert len(sessions) == 0


async def test_only_so_many_connections(
    sessions: SignaledSessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signaled_sessions, "PER_ACCOUNT", 1)
    first, second, other = (RtcDevice(user, sessions) for user in ("ann", "ann", "bob"))
    await first.reach()
    assert (await second.refused()).code == "too_many_connections"
    await other.reach()
    for device in (first, second, other):
        await device.leave()


async def test_another_channel_than_the_chat_is_closed(sessions: SignaledSessions) -> None:
    device = RtcDevice("ann", sessions, label="files")
    await device.reach()
    with pytest.raises(ChannelClosed):
        await device.next()
    await device.leave()


async def test_the_answer_names_one_fingerprint_and_leaves_dtls_to_the_device(
    device: RtcDevice,
) -> None:
    await device.connect()
    sdp = device.peer.remoteDescription.sdp
    fingerprints = [line for line in sdp.splitlines() if line.startswith("a=fingerprint")]
    assert len(fingerprints) == 1
    assert fingerprints[0].startswith("a=fingerprint:sha-256 ")
    assert "a=setup:passive" in sdp


async def test_another_certificate_than_the_offers_gets_no_channel(
    sessions: SignaledSessions, device: RtcDevice
) -> None:
    await device.peer.setLocalDescription(await device.peer.createOffer())
    sdp = device.peer.localDescription.sdp
    swapped = re.sub(r"(a=fingerprint:sha-256) .*", rf"\1 {':'.join(['AB'] * 32)}", sdp)
    assert swapped != sdp
    answer = await device.offer(swapped)
    assert isinstance(answer, Answer)
    await device.peer.setRemoteDescription(RTCSessionDescription(answer.sdp, "answer"))
    async with asyncio.timeout(20):
        await asyncio.wait(sessions._tasks)  # the PC gives the connection up by itself
    assert not device.open.is_set()


async def test_two_people_share_nothing(house: House, sessions: SignaledSessions) -> None:
    ann, bob = await house.device("ann", sessions), await house.device("bob", sessions)
    await ann.connect()
    await bob.connect()
    await ann.greet()
    await bob.greet()
    chat = await ann.create_chat("Secret")
    begun = await ann.ask(chat, "My secret")
    await house.engine.submitted()
    for message in [
        SendMessage(id=uuid7(), chat=chat, message=uuid7(), text="Let me see"),
        StopAnswer(id=uuid7(), answer=begun.answer),
    ]:
        bob.say(message)
        assert (await bob.hear(ChatError)).code in ("chat_unknown", "answer_unknown")
    assert house.engine.cancelled == set()
    # The same ids are free for another person: nobody learns which ids somebody else has.
    bob.say(CreateChat(id=uuid7(), chat=chat, title="Mine"))
    assert (await bob.hear(Acknowledged)).seq == 1
    assert "ecret" not in str(bob.heard)
    for device in (ann, bob):
        await device.leave()


@pytest.mark.parametrize(
    ("suites", "agreed"),
    [(b"ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA", False), (SUITES, True)],
    ids=["CBC and SHA-1", "ours"],
)
async def test_no_weak_cipher_is_agreed_on(
    house: House, sessions: SignaledSessions, suites: bytes, agreed: bool
) -> None:
    class Offering(RTCCertificate):
        def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
            context = super()._create_ssl_context(srtp_profiles)
            context.set_cipher_list(suites)
            return context

    made = RTCCertificate.generateCertificate()
    certificate = Offering(key=made._key, cert=made._cert)
    device = await house.device("ann", sessions, certificate=certificate)
    if agreed:
        await device.connect()
        await device.leave()
        return
    answer = await device.offer()
    assert isinstance(answer, Answer)
    await device.peer.setRemoteDescription(RTCSessionDescription(answer.sdp, "answer"))
    async with asyncio.timeout(20):
        await asyncio.wait(sessions._tasks)  # the PC gives the connection up by itself
    assert not device.open.is_set()
    await device.leave()
