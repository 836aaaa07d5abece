"""What the tests of the roads say where they cannot be made, and what they install."""

import os
from collections.abc import Callable, Sequence

import pytest
from launch import __main__ as main
from launch import debian, hosts, suites
from launch.errors import LaunchError
from launch.steps import Workshop


def test_who_is_not_root_is_told_what_to_say_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(LaunchError, match=r"only root may make: sudo scripts/test roads\.$"):
        hosts.require(lambda _line: None)


def test_what_is_missing_is_installed_and_its_servers_do_not_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    installed: list[str] = []
    stopped: list[str] = []

    def install(_what: str, packages: Sequence[str], _say: Callable[[str], None]) -> None:
        installed.extend(packages)

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(debian, "install", install)
    monkeypatch.setattr(hosts, "_stop", stopped.append)
    monkeypatch.setattr(
        hosts.shutil,
        "which",
        lambda name: None if name in {"nginx", "certutil"} else f"/bin/{name}",
    )
    monkeypatch.setattr(hosts.subprocess, "run", lambda *_args, **_kwargs: _Done(returncode=0))
    hosts.require(lambda _line: None)
    assert installed == ["libnss3-tools", "nginx-light"]
    assert stopped == ["nginx"]


class _Done:
    def __init__(self, returncode: int) -> None:
        self.returncode = returncode


@pytest.fixture
def no_root(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A machine whose user is not root; gives the titles of the suites that ran."""
    ran: list[str] = []

    def run(suite: suites.Suite, _say: Callable[[str], None]) -> suites.Tally:
        ran.append(suite.title)
        return suites.Tally(passed=1)

    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(main, "prepare", lambda *_args, **_kwargs: None)
    monkeypatch.setattr(main, "prepare_browser", lambda: None)
    monkeypatch.setattr(suites, "run", run)
    return ran


def test_all_tests_go_on_without_the_roads_and_say_so(
    no_root: list[str], capsys: pytest.CaptureFixture[str], workshop: Workshop
) -> None:
    assert main.test(workshop, []) == 0
    assert "playwright" in no_root
    assert "roads" not in no_root
    said = capsys.readouterr().out
    assert "only root may make" in said
    assert said.endswith("1 skipped\n")


def test_the_roads_asked_for_by_name_fail_by_a_sentence(
    no_root: list[str], workshop: Workshop
) -> None:
    with pytest.raises(LaunchError, match="only root may make"):
        main.test(workshop, ["roads"])
    assert no_root == []


@pytest.fixture
def workshop(tmp_path: "os.PathLike[str]") -> Workshop:
    return Workshop(tmp_path, lambda _line: None)  # type: ignore[arg-type]
