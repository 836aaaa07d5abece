"""Settings: where they come from, what they refuse, and what follows from them."""

import os
from pathlib import Path

import pytest

from signaling.config import ENV_FILE, Settings, home_id, load
from signaling.errors import BadSetting

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working directory and no variable of ours."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("HEARTH_")]:
        monkeypatch.delenv(name)


def test_the_shipped_file_states_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert load() == Settings(_env_file=None)
    text = (ROOT / ENV_FILE).read_text("utf-8")
    for name in Settings.model_fields:
        if name.startswith(("limit_", "local_", "password_", "metrics_", "trusted_", "turn_")):
            assert f"\nHEARTH_{name.upper()}=" in text


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(ENV_FILE).write_text("HEARTH_PORT=1111\nHEARTH_LOG_LEVEL=debug\nHEARTH_MODEL=\n")
    monkeypatch.setenv("HEARTH_PORT", "2222")
    settings = load()
    assert (settings.port, settings.log_level) == (2222, "debug")


def test_an_empty_value_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATA", "PORT", "PWA", "ORIGIN", "HOME_KEYS"):
        monkeypatch.setenv(f"HEARTH_{name}", "")
    assert load() == Settings(_env_file=None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("ORIGIN", "hearth.example"),
        ("ORIGIN", "https://hearth.example/"),
        ("ORIGIN", "ftp://hearth.example"),
        ("LOCAL_HOME", "http://hearth.example:8081"),
        ("LOCAL_HOME", "https://localhost:8081"),
        ("LOCAL_HOME", "http://localhost:8081/pair"),
        ("LOCAL_HOME", "http://ann@localhost:8081"),
        ("LOCAL_HOME", "http://localhost:8081x"),
        ("LOCAL_HOME", "localhost:8081"),
        ("HOME_KEYS", "tooshort"),
        ("HOME_KEYS", "!!!"),
        ("TRUSTED_PROXIES", "nginx"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("METRICS_PORT", "-1"),
        ("LOG_LEVEL", "loud"),
        ("LIMIT_SEND_QUEUE", "0"),
    ],
)
def test_a_bad_value_is_one_sentence_that_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"HEARTH_{name}", value)
    with pytest.raises(BadSetting, match=f"HEARTH_{name}") as refused:
        load()
    assert "\n" not in str(refused.value)


def test_origins() -> None:
    local = Settings(_env_file=None, port=9000)
    assert local.canonical_origin == "http://localhost:9000"
    assert local.origins == {"http://localhost:9000", "http://127.0.0.1:9000"}
    assert not local.https
    far = Settings(_env_file=None, origin="https://Hearth.example")
    assert far.origins == {"https://hearth.example"}
    assert far.https


@pytest.mark.parametrize(
    ("origin", "rp_id", "origins"),
    [
        ("", "localhost", ("http://localhost:8080",)),
        ("https://Hearth.example:8443", "hearth.example", ("https://hearth.example:8443",)),
        ("http://192.0.2.1:8080", None, ()),
        ("http://[2001:db8::1]:8080", None, ()),
    ],
)
def test_passkeys_belong_to_the_host_of_the_public_address(
    origin: str, rp_id: str | None, origins: tuple[str, ...]
) -> None:
    settings = Settings(_env_file=None, origin=origin)
    assert (settings.rp_id, settings.rp_origins) == (rp_id, origins)


def test_a_homes_id_is_the_digest_of_its_key() -> None:
    # SHA-256 of 32 zero bytes, from FIPS 180-4's function
    assert home_id(bytes(32)) == "66687aadf862bd776c8fc18b8e9f8e20"


@pytest.mark.parametrize("name", ["relay.example:3478", "turn:relay.example", "a b", "[::1]"])
def test_a_relays_name_is_a_name_alone(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("HEARTH_TURN_NAME", name)
    with pytest.raises(BadSetting, match="HEARTH_TURN_NAME"):
        load()


@pytest.mark.parametrize(
    ("origin", "loopback"),
    [
        ("", True),
        ("http://127.0.0.1:9", True),
        ("http://[::1]", True),
        ("https://hearth.example", False),
        ("http://localhost.example", False),
        ("http://192.168.1.2:8080", False),
    ],
)
def test_whether_the_pages_are_this_machines_own(origin: str, loopback: bool) -> None:
    assert Settings(_env_file=None, origin=origin).is_loopback is loopback
