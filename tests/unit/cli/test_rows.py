"""``rows plan · apply · orphans · restore · archives`` as people, pipes and programs see them."""

from __future__ import annotations

import re
from pathlib import Path

import apsw
import pytest

from tests.conftest import Golden
from tests.unit.cli.conftest import Run

POLICIES = """
version: 1
policies:
  - id: old-talks
    match: {rows: app.talks}
    phases: [{after: 365d, do: archive, compress: zstd}, {after_previous: 6y, do: purge}]
    reason: Read rarely after a year
  - id: deleted-talks
    match: {rows: app.talks}
    clock: deleted_at
    phases: [{after: 7d, do: trash}, {after_previous: 30d, do: purge}]
    reason: Deleted by its user
"""
TABLES = (
    "app.talks: {database: data/app.db, table: talks, key: id, clock: at, deleted: deleted_at,"
    " file: video, files: data, children: {messages: talk_id}}"
)
DAY = 86_400


@pytest.fixture
def root(here: Path, run: Run) -> Path:
    """An application's database with a talk of each 40 days, and some that hang on nothing."""
    root = here / "data"
    root.mkdir()
    configure(here, TABLES)
    (here / "policies.yaml").write_text(POLICIES)
    (here / "policies.yaml").chmod(0o644)
    (root / "9.mp4").write_bytes(b"a video")
    connection = apsw.Connection(str(root / "app.db"))
    connection.execute(
        "CREATE TABLE talks (id INTEGER PRIMARY KEY, at TEXT, deleted_at TEXT, video TEXT);"
        "CREATE TABLE messages (id INTEGER PRIMARY KEY, talk_id INTEGER, said TEXT);"
        "CREATE INDEX messages_talk ON messages (talk_id)"
    )
    with connection:
        for number in range(20):
            deleted = "datetime('now', '-10 days')" if number in {3, 4} else "NULL"
            video = "8.mp4" if number == 8 else "9.mp4" if number == 9 else None
            connection.execute(
                f"INSERT INTO talks SELECT ?, datetime('now', '-{number * 40} days'), {deleted}, ?",
                (number, video),
            )
            for each in range(3):
                connection.execute("INSERT INTO messages VALUES (NULL, ?, ?)", (number, each))
        connection.execute("INSERT INTO messages VALUES (NULL, 999, 'lost')")
    connection.close()
    assert run("scan").code == 0
    return root


def configure(here: Path, tables: str) -> None:
    (here / "storewarden.yaml").write_text(
        "roots: {data: {path: ./data, settle: 10ms, inspect: false, digest: false}}\n"
        f"policies: [./policies.yaml]\ntables:\n  {tables}\n"
    )
    (here / "storewarden.yaml").chmod(0o644)


def ids(root: Path, table: str = "talks") -> set[int]:
    connection = apsw.Connection(str(root / "app.db"), flags=apsw.SQLITE_OPEN_READONLY)
    found = {row[0] for row in connection.execute(f"SELECT id FROM {table}")}
    connection.close()
    return found


def plain(text: str) -> str:
    """Return an answer without what is another each time."""
    text = re.sub(r"\d{4}-\d\d-\d\d", "<day>", text)
    text = re.sub(r"~[a-z2-7]{16}", "~<mark>", text)
    text = re.sub(r"\d+ B\b|\d+(\.\d+)? KiB", "<size>", text)
    return re.sub(r" {2,}", "  ", text)


def test_a_life_of_rows_for_people(root: Path, run: Run, golden: Golden) -> None:
    told = []
    for words in (
        ["plan"],
        ["apply", "--yes"],
        ["archives"],
        ["plan"],
        ["restore", "app.talks", "--key", "15"],
        ["plan"],
        ["orphans"],
        ["orphans", "--clean", "--yes"],
        ["orphans"],
    ):
        ran = run("rows", *words, terminal=True)
        told.append(f"$ storewarden rows {' '.join(words)}\n{ran.out}{ran.err}[{ran.code}]\n")

    golden("cli/rows-people.txt", plain("\n".join(told)))


def test_for_pipes_nothing_goes_beyond_limits_without_a_word(
    root: Path, run: Run, golden: Golden
) -> None:
    plan, apply = run("rows", "plan"), run("rows", "apply")

    golden("cli/rows-programs.txt", re.sub(r"\t\d{3,}\t", "\t<bytes>\t", plan.out + apply.out))
    assert (plan.code, apply.code) == (0, 1)
    assert len(ids(root)) == 20


def test_what_is_due_goes_comes_back_and_is_done_once(root: Path, run: Run) -> None:
    before = ids(root), ids(root, "messages")

    done = run("rows", "apply", "--yes", "--json").json
    assert {(one["policy"], one["left"], one["stayed"]) for one in done["items"]} == {
        ("old-talks", 10, 0),
        ("deleted-talks", 2, 0),
    }
    assert ids(root) == {0, 1, 2, 5, 6, 7, 8, 9}
    again = run("rows", "apply", "--yes", "--json")
    assert (again.code, again.json["items"]) == (0, [])

    listed = run("rows", "archives", "--json").json["archives"]
    assert sum(one["rows"] for one in listed) == 12
    for one in listed:
        back = run("rows", "restore", "app.talks", "--archive", str(one["id"]), "--json")
        assert back.code == 0
    assert (ids(root), ids(root, "messages")) == before
    planned = run("rows", "plan", "--json").json
    assert [one["rows"] for one in planned["items"]] == [0, 0]  # what came back stays


def test_rows_come_back_by_their_time(root: Path, run: Run) -> None:
    run("rows", "apply", "--yes")

    ran = run("rows", "restore", "app.talks", "--from", "500d", "--to", "420d", "--json")

    assert ran.code == 0
    assert ids(root) == {0, 1, 2, 5, 6, 7, 8, 9, 11, 12}


def test_what_hangs_on_nothing_is_counted_and_cleaned(root: Path, run: Run) -> None:
    found = run("rows", "orphans", "--json")

    assert found.code == 1
    assert {one["figure"]: one["rows"] for one in found.json["items"]} == {
        "orphans.messages": 1,
        "fileless": 1,
    }
    assert run("rows", "orphans", "--clean", "--yes").code == 0
    assert run("rows", "orphans").code == 0
    assert ids(root) == set(range(20)) - {8}
    (lost, talk) = run("rows", "archives", "--json").json["archives"][::-1]
    assert (lost["reason"], talk["reason"]) == ("orphans.messages", "fileless")
    assert run("rows", "restore", "app.talks", "--archive", str(lost["id"])).code == 0
    assert run("rows", "restore", "app.talks", "--archive", str(talk["id"])).code == 0
    assert ids(root) == set(range(20))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("table: talk, key: id, clock: at", "there is no table talk (is talks meant?)"),
        ("table: talks, key: at, clock: at", "at does not tell rows of talks apart: id"),
        ("table: talks, key: id, clock: when", "talks has no column when"),
    ],
)
def test_a_table_that_is_not_as_declared_is_told_with_its_place(
    root: Path, here: Path, run: Run, said: str, told: str
) -> None:
    configure(here, f"app.talks: {{database: data/app.db, {said}}}")
    (here / "policies.yaml").write_text(POLICIES.replace("    clock: deleted_at\n", ""))
    before = (root / "app.db").read_bytes()

    ran = run("rows", "plan", terminal=True)

    assert ran.code == 1
    assert told in ran.out
    assert "storewarden.yaml:4:3: tables.app.talks" in ran.out
    assert (root / "app.db").read_bytes() == before


@pytest.mark.usefixtures("root")
def test_mistakes_are_told_with_what_to_do(run: Run) -> None:
    for words, told in (
        (("plan", "app.talk"), "no declared table is called so: app.talk; app.talks"),
        (("restore", "app.talks"), "nothing says which rows; say --key, --from and --to, or"),
        (("restore", "app.talks", "--key", "1"), "no archive has such rows"),
    ):
        ran = run("rows", *words, terminal=True)
        assert ran.code in {1, 2}
        assert told in ran.out + ran.err
