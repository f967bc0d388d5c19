"""What takes room and may go, and for which reason, is the same on both databases."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

from storewarden.catalogue import copies, marks
from storewarden.catalogue.copies import Copy
from storewarden.catalogue.engine import Engine
from storewarden.pipeline.sparing import by_safety, spares, to_free
from storewarden.policy import load
from storewarden.policy.decision import Blocked
from storewarden.policy.emergency import Kept, Safety, Spare
from storewarden.policy.rules import Force
from tests.catalogues import COLUMNS, DAY, NOW, file_row

HOST = 1
POLICIES = load.read(
    [
        (
            "p.yaml",
            b"""
version: 1
policies:
  - id: keepers
    match: {name: keep-*}
    hold: true
  - id: models-stay
    match: {kind: model}
    place: {required: [local]}
  - id: renders
    match: {kind: video}
    clock: modified
    phases: [{after: 30d, do: archive, to: cold}]
  - id: drafts
    match: {name: draft-*}
    clock: modified
    phases: [{after: 1d, do: trash}, {after_previous: 1d, do: purge}]
""",
        )
    ],
    stores=("cold",),
    tables=(),
)
MADE = ("tool", "model", "prompt", "seed")
FACTS = ("file_id", "inspector", "version", "outcome", "reason", "mime")


def put(engine: Engine, name: bytes, **more: Any) -> int:
    """A file of 4 KiB that was looked into; nothing speaks for its going."""
    told: dict[str, Any] = {"size": 4096, "blocks": 8, "inspected_ns": NOW, "inode": 0}
    columns = (*COLUMNS, "inspected_ns")
    row = file_row(name, **{key: value for key, value in (told | more).items() if key in COLUMNS})
    with engine.transaction():
        engine.insert("files", columns, [(*row, NOW)])
        ((file_id,),) = engine.execute("SELECT max(id) FROM files")
        engine.execute("UPDATE files SET inode = ? WHERE id = ?", (1000 + file_id, file_id))
        engine.insert("facts", FACTS, [(file_id, "image", 1, "read", "", "image/png")])
    return int(file_id)


def make(engine: Engine, file_id: int, **more: Any) -> None:
    """Note how a file was made."""
    told = dict.fromkeys(MADE, "x") | {"seed": "42"} | more
    with engine.transaction():
        engine.insert(
            "prompts",
            ("file_id", "understood", *MADE),
            [(file_id, 1, *(told[name] for name in MADE))],
        )


def copy(engine: Engine, file_id: int, store: str, verified_ns: int, key: str | None) -> None:
    with engine.transaction():
        one = Copy(file_id, store, 4096, b"d" * 32, verified_ns, key, "", 4096, "", verified_ns)
        copies.put(engine, [one])


def found(engine: Engine) -> dict[int, Spare]:
    return {one.file_id: one for one in spares(engine, POLICIES, NOW, HOST)}


def test_everything_that_says_whether_a_file_may_go_is_found(engine: Engine) -> None:
    plain = put(engine, b"plain.png")
    again = put(engine, b"again.png")
    make(engine, again)
    half = put(engine, b"half.png")
    make(engine, half, seed=None)
    unseen = put(engine, b"unseen.png")
    with engine.transaction():
        engine.execute("UPDATE files SET inspected_ns = NULL WHERE id = ?", (unseen,))
    copied = put(engine, b"copied.png")
    copy(engine, copied, "cold", NOW - 2 * DAY, "k1")
    copy(engine, copied, "cloud", NOW - DAY, "k2")
    lost = put(engine, b"lost.png")
    copy(engine, lost, "cold", NOW, None)
    held = put(engine, b"keep-this.png")
    pinned = put(engine, b"pinned.png")
    marks.pin(engine, [pinned], NOW, by="anna")
    model = put(engine, b"a.safetensors", kind="model")
    growing = put(engine, b"growing.png", growing=1)
    film = put(engine, b"film.mp4", kind="video", modified_ns=NOW - 20 * DAY)
    words = put(engine, b"film.srt")
    with engine.transaction():
        engine.insert("sidecars", ("file_id", "of_id", "role"), [(words, film, "subtitle")])
    trashed = put(engine, b"trashed.png", state="trashed", gone_ns=NOW - DAY, links=2)
    put(engine, b"gone.png", state="missing", gone_ns=NOW)
    put(engine, b"away.png", state="archived", gone_ns=NOW)

    seen = found(engine)

    assert set(seen) == {
        *(plain, again, half, unseen, copied, lost, held, pinned, model, growing, film, words),
        trashed,
    }
    assert seen[plain] == Spare(
        *(plain, "present", None, 8, 1, False, None, False, False, False, False, False),
        *(None, None, None, None, Blocked.NO),
    )
    assert [seen[id_].regenerable for id_ in (again, half, unseen)] == [True, False, None]
    assert (seen[copied].copied, seen[lost].copied) == (("cloud", NOW - DAY), None)
    kept = sorted(id_ for id_, one in seen.items() if one.held or one.pinned or one.required)
    assert (kept, seen[held].held, seen[pinned].pinned) == ([held, pinned, model], True, True)
    assert (seen[growing].growing, seen[words].sidecar, seen[film].sidecar) == (True, True, False)
    assert seen[film][-5:] == (*(Force.ARCHIVE, "renders", NOW + 10 * DAY, "cold", Blocked.NO),)
    assert (seen[trashed].state, seen[trashed].state_ns, seen[trashed].links) == (
        *("trashed", NOW - DAY, 2),
    )


def test_what_an_act_has_in_hand_is_left_to_it(engine: Engine) -> None:
    one = put(engine, b"a.png")
    columns = ("id", "root_id", "verb", "mark", "members", "asked_by", "reason", "bytes")
    with engine.transaction():
        values = (1, 1, "trash", "a" * 16, "[]", "anna", "", 1, NOW, NOW)
        engine.insert("acts", (*columns, "planned_ns", "changed_ns"), [values])
        engine.insert("act_files", ("act_id", "file_id", "open"), [(1, one, 1)])
    assert found(engine) == {}
    with engine.transaction():
        engine.execute("UPDATE act_files SET open = 0")
    assert set(found(engine)) == {one}


def test_the_safest_go_first_and_the_sums_tell_why(engine: Engine) -> None:
    again, copied = put(engine, b"again.png"), put(engine, b"copied.png")
    make(engine, again)
    copy(engine, copied, "cold", NOW, "k")
    trashed = put(engine, b"t.png", state="trashed", gone_ns=NOW - DAY)
    put(engine, b"plain.png")

    room = to_free(engine, POLICIES, 9_000, NOW, HOST)

    assert [(one.file_id, one.action) for one in room.files] == [
        *((copied, Force.ARCHIVE), (again, Force.PURGE), (trashed, Force.PURGE)),
    ]
    assert (room.bytes, room.missing, room.kept) == (12_288, 0, {Kept.NO_REASON: 1})
    assert by_safety(room) == {
        (Safety.COPIED, "archive"): (1, 4096),
        (Safety.AGAIN, "purge"): (1, 4096),
        (Safety.TRASH, "purge"): (1, 4096),
    }
    assert to_free(engine, POLICIES, 10**6, NOW, HOST, "elsewhere").files == ()


def test_memory_does_not_grow_with_what_stays(engine: Engine) -> None:
    def most(count: int, fill: Callable[[int], None]) -> int:
        fill(count)
        tracemalloc.start()
        to_free(engine, POLICIES, 40_960, NOW, HOST)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    def fill(count: int) -> None:
        with engine.transaction():
            ((last,),) = engine.execute("SELECT coalesce(max(id), 0) FROM files")
            rows = [
                file_row(b"t%d" % at, inode=at, state="trashed", gone_ns=NOW - at, blocks=8)
                for at in range(int(last) + 1, int(last) + count + 1)
            ]
            engine.insert("files", COLUMNS, rows)

    few = most(3_000, fill)
    assert most(30_000, fill) < few + 500_000
