import datetime
from pathlib import Path

import pytest

from gpu_peer.errors import KeyUnreadable
from gpu_peer.transports.certificate import load_certificate


def test_it_is_made_once_and_outlives_its_devices(tmp_path: Path) -> None:
    first, again = load_certificate(tmp_path), load_certificate(tmp_path)
    prints = [[f.value for f in c.getFingerprints()] for c in (first, again)]
    assert prints[0] == prints[1]
    years = first.expires - datetime.datetime.now(datetime.UTC)
    assert years > datetime.timedelta(days=365 * 40)


def test_a_damaged_one_is_a_sentence(tmp_path: Path) -> None:
    load_certificate(tmp_path)
    path = tmp_path / "dtls.pem"
    path.write_bytes(path.read_bytes()[:150])
    with pytest.raises(KeyUnreadable, match=r"dtls\.pem is damaged"):
        load_certificate(tmp_path)


def test_a_key_of_another_certificate_is_a_sentence(tmp_path: Path) -> None:
    for name in ("one", "other"):
        load_certificate(tmp_path / name)
    one, other = ((tmp_path / name / "dtls.pem").read_bytes() for name in ("one", "other"))
    mark = b"-----BEGIN CERTIFICATE-----"
    mixed = one.partition(mark)[0] + mark + other.partition(mark)[2]
    (tmp_path / "dtls.pem").write_bytes(mixed)
    with pytest.raises(KeyUnreadable, match=r"dtls\.pem is damaged"):
        load_certificate(tmp_path)
