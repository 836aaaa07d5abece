import os
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from launch.errors import LaunchError
from launch.steps import Step, Workshop, digest


def step(folder: Path, code: str, name: str = "step") -> Step:
    return Step(
        name=name,
        title="Making it",
        commands=[[sys.executable, "-c", code]],
        inputs=[folder / "input"],
        outputs=[folder / "output"],
        cwd=folder,
        remedy="Try again.",
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "input").write_text("one")
    return tmp_path


MAKE = "open('output', 'a').write('made ')"


def workshop(folder: Path) -> Workshop:
    return Workshop(folder / "cache", lambda _line: None)


def test_a_step_runs_once_and_again_when_its_input_changed(folder: Path) -> None:
    made = step(folder, MAKE)
    for _ in range(2):
        workshop(folder).prepare([made])
    assert (folder / "output").read_text() == "made "
    (folder / "input").write_text("two")
    assert workshop(folder).has_work([made])
    workshop(folder).prepare([made])
    assert (folder / "output").read_text() == "made made "


def test_a_step_runs_again_when_what_it_made_is_gone(folder: Path) -> None:
    made = step(folder, MAKE)
    workshop(folder).prepare([made])
    (folder / "output").unlink()
    workshop(folder).prepare([made])
    assert (folder / "output").exists()


def test_what_lives_in_a_folder_is_made_again_with_it(folder: Path) -> None:
    home = folder / "home"
    code = f"import os, shutil; shutil.rmtree({str(home)!r}, True); os.mkdir({str(home)!r})"
    house = replace(step(folder, code, "house"), outputs=[home])
    guest = replace(step(folder, MAKE, "guest"), lives_in=home, inputs=[])
    workshop(folder).prepare([house, guest])
    assert not workshop(folder).has_work([house, guest])
    (folder / "input").write_text("two")  # the house is built anew, the guest depends on it
    workshop(folder).prepare([house, guest])
    assert (folder / "output").read_text() == "made made "


def test_a_failed_step_is_a_sentence_and_runs_again_next_time(folder: Path) -> None:
    failing = step(folder, "print('the reason'); raise SystemExit(3)")
    with pytest.raises(LaunchError, match=r"Making it failed. Try again.(.|\n)*the reason"):
        workshop(folder).prepare([failing])
    assert workshop(folder).has_work([failing])


def test_a_full_disk_is_named(folder: Path) -> None:
    full = step(folder, "print('OSError: No space left on device'); raise SystemExit(1)")
    with pytest.raises(LaunchError, match="The disk is full"):
        workshop(folder).prepare([full])


def test_when_one_lane_fails_what_runs_in_the_other_is_ended(folder: Path) -> None:
    # The long one says that it runs through a pipe, so that the failing one fails beside it.
    os.mkfifo(folder / "fifo")
    long = step(folder, "open('fifo', 'w').close(); import threading; threading.Event().wait()")
    failing = step(folder, "open('fifo').read(); raise SystemExit(1)", "other")
    with pytest.raises(LaunchError, match="failed"):
        workshop(folder).prepare([long], [failing])


def test_stopping_ends_a_running_step(folder: Path) -> None:
    os.mkfifo(folder / "fifo")
    long = step(folder, "open('fifo', 'w').close(); import threading; threading.Event().wait()")
    bench = workshop(folder)
    errors: list[LaunchError] = []

    def work() -> None:
        try:
            bench.prepare([long])
        except LaunchError as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    (folder / "fifo").read_text()  # returns when the step has started
    bench.stop()
    thread.join(timeout=20)
    assert not thread.is_alive()
    assert bench.has_work([long])


def test_the_digest_knows_names_and_contents(folder: Path) -> None:
    before = digest(step(folder, MAKE))
    (folder / "input").write_text("two")
    after = digest(step(folder, MAKE))
    assert before != after
    assert after != digest(step(folder, MAKE + ";1"))
