import json
from pathlib import Path

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection

from gpu_peer.transports.certificate import load_certificate
from gpu_peer.transports.sdp import fingerprint, is_mdns, prepare_answer, prepare_offer
from protocol.errors import Malformed
from tests.gpu_peer.support.trust import VECTORS

FINGERPRINTS = json.loads(VECTORS.read_text("utf-8"))["fingerprints"]
FINGERPRINT = "a=fingerprint:sha-256 " + ":".join(["AB"] * 32)
CHROMIUM = f"""v=0
o=- 1 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=candidate:1 1 udp 2113937151 2b5e6ba4-33a2-4b3f-8d1a-0c9a7d1ce0b1.local 51234 typ host
a=candidate:2 1 udp 1677729535 198.51.100.7 51234 typ srflx raddr 0.0.0.0 rport 0
a=end-of-candidates
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuvwx
{FINGERPRINT}
a=setup:actpass
a=mid:0
a=sctp-port:5000
""".replace("\n", "\r\n")


def test_names_and_the_end_of_candidates_are_left_out() -> None:
    lines = prepare_offer(CHROMIUM).splitlines()
    left_out = [line for line in CHROMIUM.splitlines() if line not in lines]
    assert [line.split(":")[0] for line in left_out] == ["a=candidate", "a=end-of-candidates"]
    assert ".local " in left_out[0]


def test_other_fingerprints_are_left_out() -> None:
    more = CHROMIUM.replace(FINGERPRINT, f"{FINGERPRINT}\r\na=fingerprint:sha-512 AB:CD")
    assert prepare_offer(more) == prepare_offer(CHROMIUM)
    assert "sha-512" not in prepare_answer(more)
    assert FINGERPRINT in prepare_answer(more)


@pytest.mark.parametrize(
    "offer",
    [
        "",
        "v=0",
        CHROMIUM.replace(FINGERPRINT, ""),
        CHROMIUM.replace("sha-256", "sha-512"),
        CHROMIUM + FINGERPRINT.replace("AB", "CD"),
        CHROMIUM + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n",
        CHROMIUM.replace("m=application", "m=video"),
    ],
)
def test_what_is_not_one_data_channel_with_one_fingerprint_is_refused(offer: str) -> None:
    with pytest.raises(Malformed):
        prepare_offer(offer)


def test_what_hides_its_address() -> None:
    assert is_mdns("candidate:1 1 udp 2113937151 x.local 51234 typ host")
    assert is_mdns("candidate:1 1 UDP 2113937151 X.LOCAL 51234 typ host")
    assert is_mdns("not a candidate")
    assert not is_mdns("candidate:1 1 udp 2113937151 192.168.1.5 51234 typ host")
    assert not is_mdns("a=candidate:1 1 udp 2113937151 2001:db8::1 51234 typ host")


@pytest.mark.parametrize("case", FINGERPRINTS, ids=lambda case: str(case["name"]))
def test_the_one_fingerprint_of_an_enforced_description(case: dict[str, str]) -> None:
    if case["fingerprint"] is not None:
        assert fingerprint(case["sdp"]).hex() == case["fingerprint"]
        return
    with pytest.raises(Malformed, match="exactly one sha-256 fingerprint"):
        fingerprint(case["sdp"])


async def test_it_is_that_of_the_certificate_in_a_real_description(tmp_path: Path) -> None:
    certificate = load_certificate(tmp_path)
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    setattr(peer, "_RTCPeerConnection__certificates", [certificate])  # noqa: B010
    peer.createDataChannel("chat")
    await peer.setLocalDescription(await peer.createOffer())
    sdp = peer.localDescription.sdp
    await peer.close()
    with pytest.raises(Malformed):
        fingerprint(sdp)  # aiortc names three kinds
    (known,) = [f.value for f in certificate.getFingerprints() if f.algorithm == "sha-256"]
    assert fingerprint(prepare_answer(sdp)) == bytes.fromhex(known.replace(":", ""))
