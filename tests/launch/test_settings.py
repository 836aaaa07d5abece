import os
from pathlib import Path

import platformdirs
import pytest
from launch import settings
from launch.errors import LaunchError


def test_the_settings_file_states_every_setting_the_launcher_reads() -> None:
    names = settings.SETTINGS_FILE.read_text("utf-8")
    read = "DATA HOST PORT LOCAL_PORT MODEL ORIGIN SIGNALING LOCAL_SIGNALING TURN_NAME TURN_PORT"
    for name in [f"HEARTH_{name}" for name in read.split()]:
        assert f"\n{name}=" in names


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("# a comment\nHEARTH_PORT=9000\nHEARTH_MODEL=from-file\n")
    chosen = settings.read({"HEARTH_PORT": "9001", "HEARTH_DATA": str(tmp_path)}, file)
    assert (chosen.port, chosen.model, chosen.data) == (9001, "from-file", tmp_path)
    assert chosen.url == "http://localhost:9001"


def test_an_empty_value_means_the_default(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("HEARTH_PORT=\nHEARTH_DATA=\n")
    chosen = settings.read({"HOME": str(tmp_path), "HEARTH_MODEL": ""}, file)
    assert chosen.port == 8080
    assert tmp_path in chosen.data.parents


@pytest.mark.parametrize("name", ["HEARTH_PORT", "HEARTH_LOCAL_PORT", "HEARTH_TURN_PORT"])
@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "٣"])
def test_a_port_that_cannot_be_is_a_sentence(port: str, name: str, tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match=name):
        settings.read({name: port}, tmp_path / "none")


@pytest.mark.parametrize(
    ("port", "local", "expected"), [("9000", "", 9001), ("9000", "9500", 9500), ("65535", "", 0)]
)
def test_the_port_for_this_machine_is_the_next_one(
    port: str, local: str, expected: int, tmp_path: Path
) -> None:
    chosen = settings.read({"HEARTH_PORT": port, "HEARTH_LOCAL_PORT": local}, tmp_path / "none")
    assert chosen.local_port == expected


def test_the_default_folder_is_the_one_that_the_parts_take_by_themselves() -> None:
    assert settings.default_data(os.environ) == platformdirs.user_data_path("hearth", False)


@pytest.mark.parametrize(
    ("signaling", "elsewhere"),
    [
        ("", ""),
        ("http://localhost:8080", ""),
        ("http://[::1]:8080/", ""),
        ("https://hearth.example/", "https://hearth.example"),
        ("https://[", "https://["),
    ],
)
def test_a_signaling_server_on_this_machine_is_the_one_that_is_started(
    signaling: str, elsewhere: str, tmp_path: Path
) -> None:
    chosen = settings.read({"HEARTH_SIGNALING": signaling}, tmp_path / "none")
    assert chosen.signaling == elsewhere


@pytest.mark.parametrize(
    ("environment", "here"),
    [
        ({}, True),
        ({"HEARTH_ORIGIN": "http://127.0.0.1:9"}, True),
        ({"HEARTH_ORIGIN": "https://hearth.example"}, False),
        (
            {"HEARTH_ORIGIN": "https://hearth.example", "HEARTH_SIGNALING": "https://1.2.3.4"},
            True,
        ),
    ],
)
def test_whether_the_server_is_for_this_machines_browsers_only(
    environment: dict[str, str], here: bool, tmp_path: Path
) -> None:
    assert settings.read(environment, tmp_path / "none").is_here is here
