"""What the launcher hands to the parts: the app, signed by this installation."""

import dataclasses
import json
import os
import socket
import stat
import subprocess
from pathlib import Path

import pytest
from launch import parts, settings
from launch.errors import LaunchError


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


def test_both_parts_are_told_of_one_free_port_for_this_machine(
    chosen: settings.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "app_folder", lambda _: chosen.data)
    monkeypatch.setattr(parts, "home_key", lambda _: "key")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        busy = taken.getsockname()[1]
        told = parts.home(dataclasses.replace(chosen, local_port=busy))
    port = told[0].environment["HEARTH_LOCAL_PORT"]
    assert port not in ("0", str(busy))
    for part in told:
        assert part.environment["HEARTH_LOCAL_PORT"] == port
        assert part.environment["HEARTH_LOCAL_HOME"] == f"http://localhost:{port}"
    assert parts.free_port(int(port)) == int(port)
