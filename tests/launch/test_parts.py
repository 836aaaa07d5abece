"""What the launcher hands to the parts: the app, signed by this installation."""

import dataclasses
import json
import os
import socket
import stat
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from launch import parts, settings
from launch.errors import LaunchError

Told = dict[str, Mapping[str, str]]


@pytest.fixture
def chosen(tmp_path: Path) -> settings.Settings:
    return settings.Settings(
        data=tmp_path / "data", host="127.0.0.1", port=8080, model="", local_port=8081
    )


@pytest.fixture
def built(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    folder.mkdir()
    (folder / "index.html").write_text("<p>app</p>")
    (folder / "sw.js").write_text("worker")
    return folder


def release(folder: Path) -> dict[str, object]:
    return dict(json.loads((folder / "release.json").read_text("utf-8")))


def test_the_app_is_served_from_a_copy_that_a_key_of_this_installation_signed(
    chosen: settings.Settings, built: Path
) -> None:
    folder = parts.app_folder(chosen, built)
    assert folder == chosen.data / "app"
    assert (folder / "index.html").read_text() == "<p>app</p>"
    assert not (built / "release.json").exists()
    key = chosen.data / "release-key.pem"
    if os.name == "posix":
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
    verify = parts.release_command(chosen, ["verify", str(folder), "--key", str(key)])
    subprocess.run(verify, check=True, capture_output=True)


def test_another_start_signs_nothing_anew_until_the_app_changes(
    chosen: settings.Settings, built: Path
) -> None:
    first = release(parts.app_folder(chosen, built))
    assert release(parts.app_folder(chosen, built)) == first
    (built / "index.html").write_text("<p>newer</p>")
    second = release(parts.app_folder(chosen, built))
    assert second["key"] == first["key"]
    assert second["signature"] != first["signature"]


def test_two_installations_of_one_checkout_have_keys_of_their_own(
    chosen: settings.Settings, built: Path
) -> None:
    other = dataclasses.replace(chosen, data=chosen.data / "other")
    keys = {release(parts.app_folder(one, built))["key"] for one in (chosen, other)}
    assert len(keys) == 2


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")
def test_a_key_that_others_can_read_is_a_sentence(chosen: settings.Settings, built: Path) -> None:
    parts.app_folder(chosen, built)
    key = chosen.data / "release-key.pem"
    key.chmod(0o644)
    with pytest.raises(LaunchError, match=f"Others can read the key {key}. Run: chmod 600"):
        parts.app_folder(chosen, built)


@pytest.fixture
def started(chosen: settings.Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Told]:
    """Gives what each part would be started with."""
    monkeypatch.setattr(parts, "app_folder", lambda _: chosen.data)
    monkeypatch.setattr(parts, "home_key", lambda _: "key")
    for name in [name for name in os.environ if name.startswith("HEARTH_")]:
        monkeypatch.delenv(name)

    def start(**changes: Any) -> Told:
        told = parts.home(dataclasses.replace(chosen, **changes))
        return {part.name: part.environment for part in told}

    return start


def test_all_parts_are_told_of_one_free_port_for_this_machine(
    started: Callable[..., Told],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        busy = taken.getsockname()[1]
        told = started(local_port=busy)
    port = told["signaling"]["HEARTH_LOCAL_PORT"]
    assert port not in ("0", str(busy))
    for environment in told.values():
        assert environment["HEARTH_LOCAL_PORT"] == port
        assert environment["HEARTH_LOCAL_HOME"] == f"http://localhost:{port}"
    assert parts.free_port(int(port)) == int(port)


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_this_machines_relay_has_a_port_that_is_free_for_udp_and_tcp(
    started: Callable[..., Told], kind: socket.SocketKind
) -> None:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            taken.listen()
        busy = taken.getsockname()[1]
        told = started(turn_port=busy)
    assert set(told) == {"signaling", "gpu_peer", "turn"}
    ports = {environment["HEARTH_TURN_PORT"] for environment in told.values()}
    assert len(ports) == 1
    assert str(busy) not in ports
    assert told["turn"]["HEARTH_TURN_NAME"] == told["turn"]["HEARTH_TURN_HOST"] == "127.0.0.1"


def test_a_free_port_of_the_relay_stays_the_one_that_is_set(started: Callable[..., Told]) -> None:
    port = parts.free_port(0, socket.SOCK_STREAM, socket.SOCK_DGRAM)
    assert started(turn_port=port)["turn"]["HEARTH_TURN_PORT"] == str(port)


def test_a_relay_for_others_needs_a_name(started: Callable[..., Told]) -> None:
    far = "https://hearth.example"
    assert set(started(origin=far)) == {"signaling", "gpu_peer"}
    named = started(origin=far, turn_name="relay.hearth.example")
    assert named["turn"]["HEARTH_TURN_NAME"] == "relay.hearth.example"
    assert named["turn"]["HEARTH_TURN_PORT"] == "3478"
    assert "HEARTH_TURN_HOST" not in named["turn"]


def test_beside_a_vds_elsewhere_this_machine_has_a_signaling_server_of_its_own(
    started: Callable[..., Told],
) -> None:
    told = started(signaling="https://hearth.example", host="0.0.0.0", turn_name="ours")
    here, home = told["signaling"], told["gpu_peer"]
    assert here["HEARTH_ORIGIN"] == home["HEARTH_LOCAL_SIGNALING"] == "http://localhost:8080"
    assert here["HEARTH_HOST"] == "127.0.0.1"
    assert home["HEARTH_ORIGIN"] == "https://hearth.example"
    assert told["turn"]["HEARTH_TURN_NAME"] == "127.0.0.1"
    named = started(signaling="https://1.2.3.4", origin="https://hearth.example")
    assert named["gpu_peer"]["HEARTH_ORIGIN"] == "https://hearth.example"


def test_without_one_the_home_knows_of_no_second_server(started: Callable[..., Told]) -> None:
    for environment in started().values():
        assert "HEARTH_LOCAL_SIGNALING" not in environment
        assert "HEARTH_ORIGIN" not in environment


def test_hearth_starts_without_its_relay_and_not_without_the_others(
    chosen: settings.Settings, started: Callable[..., Told]
) -> None:
    started()
    needed = {part.name: part.is_needed for part in parts.home(chosen)}
    assert needed == {"signaling": True, "gpu_peer": True, "turn": False}
