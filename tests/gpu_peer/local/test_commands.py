"""The commands as a person runs them: real processes that speak with a real server."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from gpu_peer.__main__ import main
from gpu_peer.local.pair import EXPIRED
from protocol.errors import ErrorCode
from protocol.household import (
    AddPerson,
    AnswerPairing,
    CloseInvitation,
    InvitationEnded,
    OpenInvitation,
    PersonShown,
    ReadmitDevice,
    RenameDevice,
)
from tests.gpu_peer.local.house import (
    LAPTOP,
    PHONE,
    SECRET,
    Desk,
    House,
    Run,
    after_answer,
    asks,
    command,
    config,
    ends,
    outcome,
    paired,
)

LINK_CODE = "7ZRA-0W4K-ABCD-EFGH"

Say = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture
def said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Say:
    """Runs a command like `outcome`, without the second that a process takes to start."""
    monkeypatch.setenv("HEARTH_DATA", str(tmp_path))

    async def say(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()  # what the server logged
        code = await asyncio.to_thread(main, list(words))
        return code, *capsys.readouterr()

    return say


def asked(house: House, kind: type) -> list[Any]:
    return [request for request in house.asked if isinstance(request, kind)]


@pytest.mark.parametrize("words", [("pair",), ("devices",), ("devices", "remove", "aa")])
@pytest.mark.parametrize("left", ["", "{", '{"port":1,"token":"x","origin":"http://localhost"}'])
async def test_where_no_home_runs_there_is_one_sentence(
    tmp_path: Path, said: Say, words: tuple[str, ...], left: str
) -> None:
    (tmp_path / "gpu_peer").mkdir()
    if left:
        (tmp_path / "gpu_peer" / "control.json").write_text(left)
    code, out, err = await said(*words)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("No home runs here, or it is still starting. Start it with")


async def test_the_owner_pairs_by_a_code_a_link_or_a_qr(runs: Run) -> None:
    house = House(paired)
    code, out, err = await outcome(await runs(house), "pair")
    assert (code, err) == (0, "")
    (opened,) = asked(house, OpenInvitation)
    assert (opened.person, opened.method) == ("p1", "secret")
    assert "The device is to be Ann's (owner).\n" in out
    assert "open http://localhost:8080/pair and type the code:\n" in out
    assert f"\n    {LINK_CODE}\n" in out
    assert "http://localhost:8080 opens on this PC only; for others set HEARTH_ORIGIN.\n" in out
    assert "This is good for 2:00 minutes.\n" in out
    assert out.endswith("Paired: Phone is Ann's now.\n")
    assert out.count("█") > 100
    assert "\r" not in out
    assert "\x1b" not in out


async def test_the_link_is_of_the_app_that_the_home_belongs_to(runs: Run, said: Say) -> None:
    await runs(House(paired), "https://hearth.example")
    _, out, _ = await said("pair")
    assert "open https://hearth.example/pair and type" in out
    assert "on this PC only" not in out


@pytest.mark.parametrize(
    ("word", "role"), [((), "member"), (("--member",), "member"), (("--guest",), "guest")]
)
async def test_a_new_name_adds_the_person(
    runs: Run, said: Say, word: tuple[str, ...], role: str
) -> None:
    house = House(paired)
    await runs(house)
    code, out, _ = await said("pair", "--person", " Боб ", *word)
    assert code == 0
    (added,) = asked(house, AddPerson)
    assert (added.name, added.role) == ("Боб", role)
    assert asked(house, OpenInvitation)[0].person == "p2"
    assert out.startswith(f"Боб is new here, as {role}.\nThe device is to be Боб's ({role}).\n")


async def test_a_known_name_is_that_person_in_any_case(runs: Run, said: Say) -> None:
    house = House(paired)
    house.people = [*house.people, PersonShown(id="p7", name="Bob", role="guest")]
    await runs(house)
    code, _, _ = await said("pair", "--person", "bOB", "--guest")
    assert code == 0
    assert asked(house, AddPerson) == []
    assert asked(house, OpenInvitation)[0].person == "p7"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--guest",), "Say whose device it is: --person NAME."),
        (("--person", "Ann", "--guest"), "Ann is known here as owner. Leave --guest out."),
        (("--person", "Bob"), "Two people are called Bob. Rename one of them in the app."),
        (("--person", " "), "A name is one line of 1 to 64 characters. Choose another."),
        (("--person", "a\nb"), "A name is one line of 1 to 64 characters. Choose another."),
    ],
)
async def test_whose_device_has_to_be_clear(
    runs: Run, said: Say, words: tuple[str, ...], sentence: str
) -> None:
    house = House(paired)
    bobs = [PersonShown(id=f"b{n}", name="Bob", role="member") for n in (1, 2)]
    house.people = [*house.people, *bobs]
    await runs(house)
    assert await said("pair", *words) == (1, "", f"{sentence}\n")
    assert asked(house, OpenInvitation) == []


@pytest.mark.parametrize(
    ("code", "message", "sentence"),
    [
        ("pairing_closed", "Begin on the PC.", "Another invitation was opened elsewhere"),
        ("pairing_expired", None, "No device was paired in time"),
        ("pairing_locked", None, "Ten wrong codes were tried, so no more are taken."),
        ("proof_wrong", "Said by the \x1b home.", "Said by the � home."),
    ],
)
async def test_what_did_not_pair_says_why_and_fails(
    runs: Run, said: Say, code: ErrorCode, message: str | None, sentence: str
) -> None:
    how = {"code": code} | ({"message": message} if message else {})
    await runs(House(ends(**how)))
    status, out, _ = await said("pair")
    assert status == 1
    assert out.splitlines()[-1].startswith(sentence)


async def test_a_home_that_does_not_answer_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, runs: Run, said: Say
) -> None:
    async def keeps_silent(_desk: Desk, _request: object) -> None:
        pass

    monkeypatch.setattr("gpu_peer.local.client.ANSWER_WITHIN_S", 0)
    monkeypatch.setattr(Desk, "take", keeps_silent)
    await runs(House())
    assert await said("devices") == (1, "", "The home does not answer. Try again.\n")


async def test_a_home_that_forgets_to_say_the_end_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, runs: Run, said: Say
) -> None:
    monkeypatch.setattr("gpu_peer.local.pair.GRACE_S", 0)
    await runs(House(life_ms=0))
    code, out, _ = await said("pair")
    assert code == 1
    assert out.endswith(f"{EXPIRED}\n")


@pytest.mark.skipif(os.name != "posix", reason="Windows sends no SIGINT to one process")
async def test_ctrl_c_closes_the_invitation(runs: Run) -> None:
    house = House()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:  # a shell has what it starts in the background ignore SIGINT, and so would the command
        process = await command(await runs(house), "pair")
    finally:
        signal.signal(signal.SIGINT, before)
    async with asyncio.timeout(30):
        await house.opened.wait()
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
    assert (process.returncode, err) == (130, b"")
    assert out.decode().endswith("The invitation is closed; no device was paired.\n")
    assert len(asked(house, CloseInvitation)) == 1


async def test_a_home_that_ends_meanwhile_is_a_sentence(tmp_path: Path) -> None:
    house, settings = House(), config(tmp_path)
    settings.folder.mkdir()
    async with house.server(settings):
        process = await command(tmp_path, "pair")
        async with asyncio.timeout(30):
            await house.opened.wait()
    async with asyncio.timeout(30):
        _, err = await process.communicate()
    assert (process.returncode, err) == (1, b"The home has ended. Start it and try again.\n")


async def test_compared_codes_that_are_equal_pair(runs: Run) -> None:
    house = after_answer(paired)
    code, out, _ = await outcome(await runs(house), "pair", "--compare", typed="what\ny\n")
    assert code == 0
    assert asked(house, OpenInvitation)[0].method == "compare"
    assert [one.equal for one in asked(house, AnswerPairing)] == [True]
    assert "calls itself 'Evil �[2J phone'" in out
    assert "\n    7ZRA-0W4K\n" in out
    assert out.count("Does the device show the same? [y/n] \n") == 2
    assert SECRET not in out
    assert "█" not in out


@pytest.mark.parametrize("typed", ["n\n", ""])
async def test_codes_that_differ_or_that_nobody_compares_do_not_pair(runs: Run, typed: str) -> None:
    house = after_answer(ends(code="pairing_declined"))
    code, out, _ = await outcome(await runs(house), "pair", "--compare", typed=typed)
    assert code == 1
    assert [one.equal for one in asked(house, AnswerPairing)] == [False]
    assert out.splitlines()[-1].startswith("No device was paired. If the codes differ again")


async def test_a_question_is_not_waited_for_when_it_is_over(runs: Run) -> None:
    async def asks_and_goes(house: House, send: Any) -> None:
        await asks(house, send)
        await send(InvitationEnded(code="pairing_expired"))

    process = await command(await runs(House(asks_and_goes)), "pair", "--compare")
    assert process.stdout is not None
    async with asyncio.timeout(30):
        out = await process.stdout.read()  # standard input stays open, and silent
        assert await process.wait() == 1
    assert "No device was paired in time" in out.decode()
    assert process.stdin is not None
    process.stdin.close()


async def test_the_list_says_whose_where_and_when(runs: Run, said: Say) -> None:
    house = House()
    old = PHONE.__class__(
        id="bb" * 16, person="p2", name="Old\x07", paired_ms=0, seen_ms=10**15, live=[]
    )
    lost = PHONE.__class__(
        id="cc" * 16, person="p2", name="T", paired_ms=0, seen_ms=0, road="relay", live=[]
    )
    house.devices = [PHONE, LAPTOP, old, lost]
    house.people += [PersonShown(id=f"p{n}", name=f"Bob{n}", role="guest") for n in (2, 3)]
    await runs(house)
    code, out, _ = await said("devices")
    assert code == 0
    ann, phone, laptop, bob, first, second, nobody, none = out.splitlines()
    assert (ann, bob, nobody, none) == (
        "Ann (owner)",
        "Bob2 (guest)",
        "Bob3 (guest)",
        "  no device",
    )
    assert phone.startswith("  aa1100  Phone   connected by signaled since 2023-11-1")
    assert phone.endswith(", code 7ZRA-0W4K")
    assert laptop == "  aa2200  Laptop  removed"
    assert first.startswith("  bbbbbb  Old�    last seen ")
    assert second.startswith("  cccccc  T       last seen 19")
    assert second.endswith(" by relay")
    assert await said("devices", "list") == (0, out, "")


async def test_an_empty_list_says_how_to_begin(runs: Run, said: Say) -> None:
    await runs(House())
    code, out, _ = await said("devices")
    assert (code, out) == (0, "No device is paired yet. `python -m gpu_peer pair` pairs one.\n")


@pytest.fixture
async def house_of_two(runs: Run) -> House:
    house = House()
    house.devices = [PHONE, LAPTOP]
    await runs(house)
    return house


async def test_a_device_is_meant_by_the_beginning_of_its_id(house_of_two: House, said: Say) -> None:
    renaming = await said("devices", "rename", "AA11", "Kitchen")
    assert renaming == (0, "Phone is called Kitchen now.\n", "")
    readmitting = await said("devices", "readmit", LAPTOP.id)
    assert readmitting == (0, "Laptop may come back.\n", "")
    (renamed,), (readmitted,) = (asked(house_of_two, k) for k in (RenameDevice, ReadmitDevice))
    assert (renamed.device, renamed.name) == (PHONE.id, "Kitchen")
    assert readmitted.device == LAPTOP.id


@pytest.mark.usefixtures("house_of_two")
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("remove", "ff"), "No device's id begins with 'ff'. `python -m gpu_peer devices` lists"),
        (("remove", ""), "No device's id begins with ''."),
        (("remove", "aa"), "The ids of several devices begin so: Phone, Laptop. Say more of it."),
        (("remove", "aa22"), "Laptop is removed already."),
        (("readmit", "aa11"), "Phone is not removed."),
        (("rename", "aa11", "x" * 65), "A name is one line of 1 to 64 characters."),
        (("remove", "aa11"), "Only Eve may."),
    ],
)
async def test_what_cannot_be_done_is_a_sentence(
    said: Say, words: tuple[str, ...], sentence: str
) -> None:
    code, out, err = await said("devices", *words)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(sentence)
