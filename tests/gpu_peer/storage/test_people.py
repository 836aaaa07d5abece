import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from gpu_peer.errors import DeviceOfAnother, DeviceWasRemoved, ListRefused, StorageFailed
from gpu_peer.storage.database import MIGRATIONS, open_database, storage_errors
from gpu_peer.storage.event_log import EventLog
from gpu_peer.storage.people import NAME_CHARS, People, Person
from protocol.transcript import key_id
from tests.gpu_peer.support.trust import ed25519, p256, public

PHONE, LAPTOP = public(ed25519("phone")), public(p256("laptop"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chats.sqlite3"


@pytest.fixture
def people(path: Path) -> Iterator[People]:
    with closing(open_database(path)) as db:
        yield People(db)


@pytest.fixture
def anna(people: People) -> Person:
    return people.add_person("Anna", 1)


@pytest.fixture
def boris(people: People, anna: Person) -> Person:
    return people.add_person("Boris", 2)


def test_the_first_person_is_the_owner_and_nobody_else(people: People) -> None:
    people.add_person("Anna", 1, role="guest")
    people.add_person("Boris", 2)
    people.add_person("Clara", 3, role="guest")
    roles = [(person.name, person.role) for person in people.people()]
    assert roles == [("Anna", "owner"), ("Boris", "member"), ("Clara", "guest")]
    assert len({person.id for person in people.people()}) == 3


def test_what_was_written_is_there_in_the_next_process(people: People, path: Path) -> None:
    anna = people.add_person(" Anna ", 1)
    phone = people.register(PHONE, "phone", anna.id, 10)
    laptop = people.register(LAPTOP, "laptop", anna.id, 20)
    people.seen(phone.id, "signaled", 30)
    people.revoke(laptop.id, 40)
    with closing(open_database(path)) as db:
        again = People(db)
        assert again.people() == [Person(anna.id, "Anna", "owner", 1)]
        first, second = again.devices(anna.id)
    assert (first.id, first.key, first.algorithm) == (key_id(PHONE), PHONE, "ed25519")
    assert (first.paired_ms, first.seen_ms, first.road) == (10, 30, "signaled")
    assert (second.key, second.algorithm, second.seen_ms) == (LAPTOP, "p256", None)
    assert [first.revoked, second.revoked, second.revoked_ms] == [False, True, 40]


def test_each_sees_only_their_own_devices(people: People, anna: Person, boris: Person) -> None:
    people.register(PHONE, "phone", anna.id, 1)
    people.register(LAPTOP, "laptop", boris.id, 2)
    assert [device.name for device in people.devices(anna.id)] == ["phone"]
    assert [device.name for device in people.devices(boris.id)] == ["laptop"]
    assert len(people.devices()) == 2


def test_the_same_key_again_changes_the_name_and_nothing_else(people: People, anna: Person) -> None:
    people.register(PHONE, "phone", anna.id, 1)
    people.seen(key_id(PHONE), "signaled", 2)
    again = people.register(PHONE, "new phone", anna.id, 3)
    assert (again.name, again.paired_ms, again.seen_ms) == ("new phone", 1, 2)
    assert people.devices() == [again]


def test_a_key_of_somebody_else_is_refused(people: People, anna: Person, boris: Person) -> None:
    before = people.register(PHONE, "phone", anna.id, 1)
    for readmit in (False, True):
        with pytest.raises(DeviceOfAnother, match="'phone'"):
            people.register(PHONE, "mine", boris.id, 2, readmit=readmit)
    assert people.devices() == [before]


@pytest.mark.parametrize("next_owner", ["Anna", "Boris"])
def test_a_removed_key_comes_back_only_when_somebody_says_so(
    people: People, anna: Person, boris: Person, next_owner: str
) -> None:
    person = {"Anna": anna, "Boris": boris}[next_owner].id
    people.register(PHONE, "phone", anna.id, 1)
    people.seen(key_id(PHONE), "signaled", 2)
    removed = people.revoke(key_id(PHONE), 3)
    with pytest.raises(DeviceWasRemoved, match="'phone'"):
        people.register(PHONE, "mine", person, 0)  # the clock was set back, too
    assert people.devices() == [removed]
    back = people.register(PHONE, "mine", person, 4, readmit=True)
    assert (back.person, back.name, back.paired_ms, back.revoked) == (person, "mine", 4, False)
    assert (back.seen_ms, back.road) == (None, None), "what another did with it"
    assert back.revoked_ms == 3, "that it was removed once stays known"


def test_a_removed_device_stays_removed_since_the_first_time(people: People, anna: Person) -> None:
    device = people.register(PHONE, "phone", anna.id, 1).id
    assert people.revoke(device, 2) == people.revoke(device, 3)
    people.rename(device, "stolen")
    people.seen(device, "signaled", 4)
    (kept,) = people.devices()
    assert (kept.revoked, kept.revoked_ms, kept.name) == (True, 2, "stolen")


def test_what_is_not_there_is_a_sentence(people: People, anna: Person) -> None:
    asked: list[Callable[[], object]] = [
        lambda: people.rename("0" * 32, "x"),
        lambda: people.revoke("0" * 32, 1),
        lambda: people.register(PHONE, "phone", "nobody", 1),
        lambda: people.register(PHONE[:31], "phone", anna.id, 1),
        lambda: people.add_person("Boris", 1, log=anna.id),
        lambda: people.add_person("Boris", 1, log="nobody's"),
    ]
    for ask in asked:
        with pytest.raises(ListRefused, match=r"\.$"):
            ask()
    people.seen("0" * 32, "signaled", 1)
    assert people.devices() == []
    assert people.people() == [anna]


@pytest.mark.parametrize("name", ["", " \t", "x" * (NAME_CHARS + 1), "a\nb", "a\0b", "\udc80"])
def test_a_name_that_nobody_can_read_is_refused(people: People, anna: Person, name: str) -> None:
    device = people.register(PHONE, "phone", anna.id, 1)
    asked: list[Callable[[], object]] = [
        lambda: people.add_person(name, 1),
        lambda: people.register(LAPTOP, name, anna.id, 1),
        lambda: people.rename(device.id, name),
    ]
    for ask in asked:
        with pytest.raises(ListRefused, match="1 to 64 characters"):
            ask()
    assert people.people() == [anna]
    assert people.devices() == [device]


def log_of(people: People, user: str) -> None:
    EventLog(people._db).change(user, None, lambda mine: mine.make_chat("c"))


def test_the_first_person_has_the_only_log_there_was(people: People) -> None:
    log_of(people, "account")
    assert people.logs_without_person() == ["account"]
    assert people.add_person("Anna", 1).id == "account"
    assert people.logs_without_person() == []
    assert people.add_person("Boris", 2).id != "account"


def test_of_several_logs_somebody_chooses(people: People) -> None:
    log_of(people, "one")
    log_of(people, "two")
    assert people.add_person("Anna", 1).id not in ("one", "two"), "nobody chose"
    assert people.add_person("Boris", 2, log="two").id == "two"
    assert people.add_person("Clara", 3).id != "one", "only the first takes what is left"
    with pytest.raises(ListRefused):
        people.add_person("David", 4, log="two")
    assert people.logs_without_person() == ["one"]


def test_a_file_from_before_there_were_people_keeps_its_chats(path: Path, tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    shutil.copy(MIGRATIONS / "0001_event_log.sql", old)
    with closing(open_database(path, old)) as db:
        EventLog(db).change("account", None, lambda mine: mine.make_chat("c"))
    with closing(open_database(path)) as db:
        assert People(db).add_person("Anna", 1).id == "account"


def race(path: Path, work: Callable[[People], object]) -> list[object]:
    """Do the work on two connections at once; gives what came of each, an error too."""
    together = threading.Barrier(2)

    def one() -> object:
        with closing(open_database(path)) as db, storage_errors(path):
            together.wait(10)
            try:
                return work(People(db))
            except ListRefused as refused:
                return type(refused)

    with ThreadPoolExecutor(2) as threads:
        return [end.result() for end in [threads.submit(one) for _ in range(2)]]


def test_two_first_people_at_once_make_one_owner(people: People, path: Path) -> None:
    log_of(people, "account")
    race(path, lambda mine: mine.add_person("Anna", 1))
    made = people.people()
    assert sorted(person.role for person in made) == ["member", "owner"]
    assert [person.id == "account" for person in made].count(True) == 1
    assert next(person for person in made if person.role == "owner").id == "account"


def test_one_key_paired_twice_at_once_is_one_persons(
    people: People, path: Path, anna: Person, boris: Person
) -> None:
    names = iter([anna.id, boris.id])
    lock = threading.Lock()

    def pair(mine: People) -> str:
        with lock:
            person = next(names)
        return mine.register(PHONE, "phone", person, 1).person

    ends = race(path, pair)
    assert ends.count(DeviceOfAnother) == 1
    (device,) = people.devices()
    assert device.person in ends


def test_a_full_disk_changes_nothing(people: People, path: Path, anna: Person) -> None:
    def fill() -> None:
        for number in range(1_000):
            with storage_errors(path):
                people.register(public(ed25519(str(number))), "x" * 64, anna.id, 1)

    pages = people._db.execute("PRAGMA page_count").fetchone()[0]
    people._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StorageFailed, match="full"):
        fill()
    kept = len(people.devices())
    people._db.execute("PRAGMA max_page_count = 100000")
    people.register(PHONE, "phone", anna.id, 1)
    assert len(people.devices()) == kept + 1


def test_a_read_only_file_is_a_sentence(people: People, path: Path, anna: Person) -> None:
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
    with closing(db), pytest.raises(StorageFailed, match="readonly"), storage_errors(path):
        People(db).register(PHONE, "phone", anna.id, 1)
