from pathlib import Path

import pytest
from platformdirs import user_data_path

from gpu_peer.config import read_config
from gpu_peer.errors import ConfigInvalid


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("DATA", "PORT", "ORIGIN", "SIGNALING", "LOCAL_SIGNALING", "MODEL", "THREADS"):
        monkeypatch.delenv(f"HEARTH_{name}", raising=False)
    return tmp_path


def test_everything_has_a_default() -> None:
    config = read_config()
    assert config.data == user_data_path("hearth", appauthor=False)
    assert config.signaling_url == config.audience == "http://localhost:8080"
    assert config.model is None


def test_the_environment_wins_over_the_file_and_empty_is_the_default(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".env.universal").write_text(
        "HEARTH_PORT=1111\nHEARTH_THREADS=3\nHEARTH_DATA=\nHEARTH_PWA=elsewhere\n"
    )
    monkeypatch.setenv("HEARTH_PORT", "2222")
    monkeypatch.setenv("HEARTH_ORIGIN", "https://home.example/")
    config = read_config()
    assert (config.port, config.threads) == (2222, 3)
    assert config.audience == "https://home.example"
    assert config.signaling_url == "http://localhost:2222"


@pytest.mark.parametrize(("name", "value"), [("PORT", "0"), ("PORT", "x"), ("THREADS", "-1")])
def test_what_is_impossible_is_named(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"HEARTH_{name}", value)
    with pytest.raises(ConfigInvalid, match=f"HEARTH_{name}"):
        read_config()


def test_every_setting_is_described() -> None:
    described = (Path(__file__).parents[2] / ".env.universal").read_text()
    for name in type(read_config()).model_fields:
        assert f"\nHEARTH_{name.upper()}=" in described


def test_two_signaling_servers_each_have_an_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEARTH_SIGNALING", "https://10.0.0.7:444/")
    monkeypatch.setenv("HEARTH_ORIGIN", "https://vds.example")
    assert read_config().signaling_servers == {"https://10.0.0.7:444": "https://vds.example"}
    monkeypatch.setenv("HEARTH_LOCAL_SIGNALING", "http://localhost:8080/")
    assert read_config().signaling_servers == {
        "http://localhost:8080": "http://localhost:8080",
        "https://10.0.0.7:444": "https://vds.example",
    }


def test_one_that_is_named_twice_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEARTH_LOCAL_SIGNALING", "http://localhost:8080")
    monkeypatch.setenv("HEARTH_ORIGIN", "https://vds.example")
    assert read_config().signaling_servers == {"http://localhost:8080": "https://vds.example"}


@pytest.mark.parametrize("address", ["https://vds.example", "localhost:8080", "http://10.0.0.7"])
def test_the_second_signaling_server_is_on_this_machine(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEARTH_LOCAL_SIGNALING", address)
    with pytest.raises(ConfigInvalid, match=r"HEARTH_LOCAL_SIGNALING.*this machine"):
        read_config()


@pytest.mark.parametrize("address", ["https://vds.example", "http://localhost:1", "http://[::1]:1"])
def test_the_vds_is_spoken_to_over_tls_or_on_this_machine(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEARTH_SIGNALING", address)
    assert read_config().signaling_url == address


@pytest.mark.parametrize("address", ["http://vds.example", "http://10.0.0.7:8080", "vds.example"])
def test_the_vds_is_not_spoken_to_in_the_clear(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEARTH_SIGNALING", address)
    with pytest.raises(ConfigInvalid, match=r"HEARTH_SIGNALING.*https://"):
        read_config()
