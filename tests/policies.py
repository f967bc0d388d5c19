"""Policies and the files they are about, by chance: for Hypothesis, and as rows of a catalogue.

Values are few and lie close to each other, so that files and conditions often meet, and miss each
other by one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any as Anything

from hypothesis import strategies as st

from storewarden.catalogue import roots
from storewarden.catalogue.engine import Engine
from storewarden.policy.expression import All, Any, Class, Compare, Condition, Not, Term, Value
from storewarden.policy.rules import (
    LOCAL,
    Care,
    Evaluate,
    Force,
    Phase,
    Placement,
    Policy,
    PolicySet,
    Timer,
)
from storewarden.policy.subject import Day, Subject
from storewarden.policy.terms import TERMS

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
NOW = 1_795_246_201_000_000_000
HOST = roots.Machine("a test", "test-machine")
ROOTS = {"uploads": None, "renders": NOW - 45 * DAY, "young": NOW - 3 * DAY}
"""Since when the use of their files is counted."""

STORES = ("cold", "cloud")
OWNER = b"owner.mp4"
"""Whose sidecars sidecars are."""

_DAYS = (0, 1, 2, 7, 30, 60, 365)
_NAMES = (
    *(b"a.png", b"b.PNG", b"render_01.mp4", b"render_[1].mp4", b"runtime.db", b".png", b"x.tar.gz"),
    *(b"caf\xc3\xa9.jpg", b"\xff\xfe.png", b"a\nb.txt", b"README", b"B.\xc3\xa9T"),
)
_DIRECTORIES = (b"", b"a", b"a/b", b"a/bc", b"renders", b"\xffx")
_TEXTS = ("flux1-dev", "flux1", "sd_xl", "FLUX", "café", "10%_x", "a[b]", "comfyui")
_PATTERNS = (
    *("flux*", "*", "*l", "sd?xl", "[a-f]*", "[!f]*", "*caf?*", "10%*x", "a[[]b]", "é*", "*é"),
)
_FILE_PATTERNS = (
    *("*.png", "*.db", "a*", "render_[0-9]*", "[!a]*", "?.png", "*", "*.*", "caf*", "*é.jpg"),
    *("*1*", "\udcff*", "x.tar.gz", "a.png", "*_01.mp4"),
)
_PATHS = ("a/", "a/b/", "a/b*", "a*", "*.png", "*/b/*", "a/b/a.png", "a.png", "*b/*.db", "ren*/*1*")
_EXTENSIONS = ("ét", "png", ".png", "PNG", "tar.gz", "gz", "db", "jpg", "mp4")
_PROMPTS = ("A lighthouse at dusk", "a CAT", "fog", "É fog", "100% *")
_SAID = ("light", "CAT", "a*", "*fog", "é", "dusk", "*", "100%", "?")


# -- files --------------------------------------------------------------------------------------


def times(latest: int = NOW) -> st.SearchStrategy[int]:
    """Times that lie on the limits that conditions have, or beside them."""
    return st.builds(
        lambda days, off: latest - days * DAY + off,
        st.sampled_from(_DAYS),
        st.sampled_from((-SECOND, -1, 0, 1)),
    )


def _maybe(values: Sequence[Anything]) -> st.SearchStrategy[Anything]:
    return st.none() | st.sampled_from(values)


@st.composite
def subjects(draw: st.DrawFn, id_: int = 1) -> Subject:
    """A file of which much, little or nothing is known."""
    root = draw(st.sampled_from(tuple(ROOTS)))
    directory, name = draw(st.sampled_from(_DIRECTORIES)), draw(st.sampled_from(_NAMES))
    inspected = draw(st.booleans())
    tool = draw(_maybe(_TEXTS))
    made = tool is not None
    understood = inspected and (not made or draw(st.booleans()))
    workflow, scene = draw(_maybe(_TEXTS)), draw(_maybe(_TEXTS))
    state = draw(st.sampled_from(("present", "present", "present", "archived", "trashed")))
    placed = draw(st.sampled_from((LOCAL, LOCAL, *STORES)))
    counted = ROOTS[root]
    tagged = st.lists(st.sampled_from(_TEXTS), max_size=2, unique=True)
    copied = st.lists(st.sampled_from((*STORES, LOCAL)), max_size=2, unique=True)
    used = draw(days()) if counted else ()
    return Subject(
        id=id_,
        root=root,
        path=directory + b"/" + name if directory else name,
        kind=draw(st.sampled_from(("image", "video", "database", "other"))),
        size=draw(st.sampled_from((0, 1, 1023, 1024, 1025, 2**30, 2**40))),
        first_seen_ns=draw(times()),
        modified_ns=draw(times()),
        state=state,
        state_ns=None if state == "present" else draw(times()),
        growing=draw(st.integers(0, 9)) == 0,
        inspected=inspected,
        understood=understood,
        mime=draw(st.sampled_from(("image/png", "video/mp4", "text/plain"))),
        width=draw(_maybe((511, 512, 513))),
        height=draw(_maybe((512, 1080))),
        duration_ns=draw(_maybe((SECOND, 2 * SECOND, 2 * SECOND + 1))),
        workflow=workflow,
        scene=scene,
        workflow_told=workflow is not None and draw(st.booleans()),
        scene_told=scene is not None and draw(st.booleans()),
        tool=tool,
        model=draw(_maybe(_TEXTS)) if made else None,
        prompt=draw(_maybe(_PROMPTS)) if made else None,
        seed=draw(_maybe(("42", "-1", "123456789012345678901234567890"))) if made else None,
        pinned=draw(st.integers(0, 5)) == 0,
        rating=draw(_maybe((3.0, 4.0, 4.5))),
        tags=tuple(draw(tagged)),
        owner=draw(_maybe(_TEXTS)),
        cost=draw(_maybe((0.0, 0.1, 0.5))),
        file_type=draw(_maybe(_TEXTS)),
        usage_since_ns=counted,
        # The catalogue notes both at once: a file with a day of use was used at a time.
        last_opened_ns=draw(times() if used else st.none() | times()) if counted else None,
        days=used,
        copies=tuple((store, draw(times())) for store in draw(copied)),
        placed=placed,
        # A file that came back has a place, too: here, since then.
        placed_ns=draw(st.none() | times()) if placed == LOCAL else draw(times()),
        sidecar_of=OWNER if draw(st.integers(0, 9)) == 0 else None,
    )


def days() -> st.SearchStrategy[tuple[Day, ...]]:
    """Days of use, of which some lie outside every window."""
    count = st.sampled_from((0, 0, 1, 5, 30))
    day = st.builds(
        lambda back, opens, writes: Day(NOW // DAY - back, opens, writes),
        st.sampled_from((0, 1, 2, 3, 7, 29, 30, 31, 60)),
        count,
        count,
    )
    return st.lists(day, max_size=4, unique_by=lambda each: each.day).map(tuple)


def stores() -> st.SearchStrategy[str]:
    """A store other than the root itself."""
    return st.sampled_from(STORES)


def many_subjects(least: int = 1, most: int = 12) -> st.SearchStrategy[list[Subject]]:
    """Files of one catalogue: each has an id and a path of its own."""
    several = st.lists(
        subjects(), min_size=least, max_size=most, unique_by=lambda one: (one.root, one.path)
    )
    return several.map(lambda some: [replace(one, id=at) for at, one in enumerate(some, 1)])


# -- conditions ---------------------------------------------------------------------------------

_VALUES: dict[str, Sequence[Value]] = {
    "kind": ("image", "video", "database", "[iv]*", "imag"),
    "root": ("uploads", "renders", "*s"),
    "path": _PATHS,
    "name": _FILE_PATTERNS,
    "ext": _EXTENSIONS,
    "size": (0, 1024, 2**30),
    "opens_per_day": (0.0, 0.1, 1.0, 5),
    "writes_per_day": (0.0, 0.1, 1.0, 5),
    "mime": ("image/png", "image/*", "*/p*"),
    "width": (0, 512, 512.5),
    "height": (512, 1080),
    "duration": (0, 2 * SECOND),
    "seed": (42, -1, 123456789012345678901234567890),
    "prompt": _SAID,
    "cost": (0, 0.1, 0.5),
    "rating": (3, 4, 4.25),
    "copies": (0, 1, 2),
    "free_ratio": (0.25,),
}
_AGES = tuple(day * DAY for day in _DAYS)


@st.composite
def one_term(draw: st.DrawFn) -> Term:
    """A term as it may be read from a policy."""
    name = draw(st.sampled_from(tuple(TERMS)))
    kind = TERMS[name]
    compare: Compare = draw(st.sampled_from(kind.compares))
    values: Sequence[Value] = _VALUES.get(name, (*_TEXTS, *_PATTERNS))
    if kind.kind == "age":
        values = _AGES
    if kind.kind == "flag":
        values = (True, False)
    most = 4 if compare in {"=", "!="} and kind.kind != "flag" else 1
    some = draw(st.lists(st.sampled_from(values), min_size=1, max_size=most, unique=True))
    return Term(name, compare, tuple(some))


def conditions(deepest: int = 6) -> st.SearchStrategy[Condition]:
    """Trees of terms."""

    def larger(part: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
        parts = st.lists(part, max_size=3).map(tuple)
        name = st.sampled_from(("keeper", "hot_db"))
        whole: st.SearchStrategy[Condition] = st.one_of(
            st.builds(All, parts), st.builds(Any, parts), st.builds(Not, part)
        )
        return st.one_of(whole, st.builds(Class, name, part))

    return st.recursive(one_term(), larger, max_leaves=deepest)


# -- policies -----------------------------------------------------------------------------------

_AFTER = st.sampled_from(_AGES)
_STORE = st.sampled_from(STORES)


@st.composite
def phases(draw: st.DrawFn) -> tuple[Phase, ...]:
    """Steps of a life in an order in which they may stand."""
    forces = draw(
        st.lists(
            st.sampled_from((Force.COPY, Force.ARCHIVE, Force.TRASH, Force.PURGE)),
            min_size=1,
            max_size=3,
            unique=True,
        )
    )
    made = []
    for at, force in enumerate(sorted(forces)):
        needs = force in (Force.COPY, Force.ARCHIVE)
        after_previous = at > 0 and draw(st.booleans())
        made.append(Phase(force, draw(_AFTER), after_previous, draw(_STORE) if needs else None))
    return tuple(made)


@st.composite
def placements(draw: st.DrawFn) -> Placement:
    """A place of one of the three sorts."""
    stores = st.lists(st.sampled_from((LOCAL, *STORES)), min_size=1, max_size=2, unique=True)
    sort = draw(st.sampled_from(("required", "preferred", "evaluate")))
    if sort == "required":
        return Placement(required=tuple(draw(stores)))
    if sort == "preferred":
        return Placement(preferred=tuple(draw(stores)))
    busy = st.builds(
        Term,
        st.sampled_from(("opens_per_day", "writes_per_day")),
        st.sampled_from((">=", "<", ">")),
        st.sampled_from((0.1, 1.0, 5.0)).map(lambda value: (value,)),
    )
    parts = st.lists(busy | conditions(2), min_size=1, max_size=2).map(tuple)
    return Placement(
        evaluate=Evaluate(
            draw(st.sampled_from((DAY, 7 * DAY, 30 * DAY, 90 * DAY))),
            draw(busy | st.builds(Any, parts) | st.builds(All, parts)),
            draw(_STORE),
            draw(st.sampled_from((0, DAY, 30 * DAY))),
            draw(st.sampled_from((0.0, 0.2))),
        )
    )


@st.composite
def one_policy(draw: st.DrawFn, name: str = "one") -> Policy:
    """A policy with one or more of the four kinds."""
    sort = draw(st.sampled_from(("hold", "place", "phases", "phases", "care", "both")))
    care = Care(integrity=Timer(every_ns=DAY)) if sort == "care" else None
    return Policy(
        name,
        draw(conditions(4)),
        clock=draw(st.sampled_from(("created", "modified", "last_used"))),
        place=draw(placements()) if sort in {"place", "both"} else None,
        phases=draw(phases()) if sort in {"phases", "both"} else (),
        care=care,
        hold=sort == "hold",
    )


@st.composite
def policy_sets(draw: st.DrawFn, most: int = 6) -> PolicySet:
    """Policies that are in force together."""
    count = draw(st.integers(0, most))
    return PolicySet(tuple(draw(one_policy(f"policy-{at}")) for at in range(1, count + 1)))


# -- the same files as rows ---------------------------------------------------------------------


def clean(engine: Engine) -> None:
    """Remove every row, so that the next files may come into tables that stand."""
    with engine.transaction():
        engine.execute("DELETE FROM files")
        engine.execute("DELETE FROM hosts")


def store(engine: Engine, files: Sequence[Subject]) -> None:
    """Write files as rows of a catalogue that has tables and no rows.

    What was told of workflow and scene is otherwise than what the file says itself. What was not
    inspected has no facts, or has some that wait to be found anew, or was refused.
    """
    with engine.transaction():
        roots_ids = _roots(engine)
        directories = _directories(engine, files, roots_ids)
        _files(engine, files, directories)
        _facts(engine, files)
        _told(engine, files)
        _used(engine, files)


def _roots(engine: Engine) -> dict[str, int]:
    host = roots.register_host(engine, HOST, NOW)
    ids = {
        name: roots.register_root(engine, host, name, b"/srv/" + name.encode()).id for name in ROOTS
    }
    for name, since in ROOTS.items():
        sql = "UPDATE roots SET usage_since_ns = ? WHERE id = ?"
        engine.execute(sql, (since, ids[name]))
    return ids


def _directories(
    engine: Engine, files: Sequence[Subject], ids: dict[str, int]
) -> dict[tuple[str, bytes], int]:
    wanted = {(one.root, one.path.rpartition(b"/")[0]) for one in files}
    wanted |= {(one.root, b"") for one in files}
    numbered = {place: number for number, place in enumerate(sorted(wanted), 1)}
    rows = [(id_, ids[root], path, 1, id_) for (root, path), id_ in numbered.items()]
    engine.insert("directories", ("id", "root_id", "path", "device", "inode"), rows)
    return numbered


_FILE = {
    "mode": 0o100644,
    "links": 1,
    "uid": 0,
    "gid": 0,
    "blocks": 8,
    "generation": 1,
    "accessed_ns": NOW,
    "changed_ns": NOW,
    "recorded_ns": NOW,
}


def _owners(files: Sequence[Subject]) -> dict[str, int]:
    """Number the files whose sidecars others are, by root, beyond all others."""
    beyond = 1_000_000 + max((one.id for one in files), default=0)
    named = sorted({one.root for one in files if one.sidecar_of})
    return {root: beyond + at for at, root in enumerate(named)}


def _files(
    engine: Engine, files: Sequence[Subject], directories: dict[tuple[str, bytes], int]
) -> None:
    own = (
        *("id", "directory_id", "name", "inode", "size", "modified_ns", "kind", "state"),
        *("growing", "first_seen_ns", "gone_ns", "inspected_ns"),
    )
    rows = []
    for one in files:
        place = directories[one.root, one.path.rpartition(b"/")[0]]
        seen = NOW if one.inspected or one.id % 3 == 0 else None
        rows.append(
            (
                *(one.id, place, one.name, one.id, one.size, one.modified_ns, one.kind, one.state),
                *(int(one.growing), one.first_seen_ns, one.state_ns, seen, *_FILE.values()),
            )
        )
    owners = _owners(files)
    for root, id_ in owners.items():
        row = (id_, directories[root, b""], OWNER, id_, 1, NOW, "video", "present", 0, NOW)
        rows.append((*row, None, None, *_FILE.values()))
    engine.insert("files", (*own, *_FILE), rows)
    links = [(one.id, owners[one.root], "metadata") for one in files if one.sidecar_of]
    engine.insert("sidecars", ("file_id", "of_id", "role"), links)


def _facts(engine: Engine, files: Sequence[Subject]) -> None:
    known = [one for one in files if one.inspected or one.id % 3 != 1]
    numbers = {
        table: _named(engine, table, {getattr(one, table.removesuffix("s")) for one in files})
        for table in ("workflows", "scenes")
    }
    _told_files(engine, files, numbers)
    rows = [
        (
            *(one.id, "png", 1, "read" if one.inspected else "refused", "", one.mime, one.width),
            *(
                one.height,
                one.duration_ns,
                _own(one.workflow_told, one.workflow, numbers["workflows"]),
            ),
            _own(one.scene_told, one.scene, numbers["scenes"]),
        )
        for one in known
    ]
    columns = ("file_id", "inspector", "version", "outcome", "reason", "mime", "width", "height")
    engine.insert("facts", (*columns, "duration_ns", "workflow_id", "scene_id"), rows)
    made = [
        (one.id, one.tool, int(one.understood), one.model, one.prompt, one.seed)
        for one in known
        if one.tool is not None
    ]
    engine.insert("prompts", ("file_id", "tool", "understood", "model", "prompt", "seed"), made)


def _own(told: bool, name: str | None, numbers: dict[str | None, int]) -> int | None:  # noqa: FBT001
    """Return what a file says itself: another one, or nothing, where an application told."""
    return numbers.get(name) if not told else next((n for n in numbers.values() if n % 2), None)


def _told_files(
    engine: Engine, files: Sequence[Subject], numbers: dict[str, dict[str | None, int]]
) -> None:
    ids: dict[str, int] = dict(engine.execute("SELECT name, id FROM roots"))
    columns = (
        *("root_id", "directory", "name", "waiting", "file_id", "workflow_id", "scene_id"),
        *("file_type", "cost_nano", "cost_currency", "first_told_ns", "told_ns"),
    )
    rows = [
        (
            *(ids[one.root], b"", one.name, 0, one.id),
            numbers["workflows"][one.workflow] if one.workflow_told else None,
            numbers["scenes"][one.scene] if one.scene_told else None,
            one.file_type,
            *((None, None) if one.cost is None else (round(one.cost * 10**9), "EUR")),
            *(NOW, NOW),
        )
        for one in files
        if one.workflow_told or one.scene_told or one.file_type or one.cost is not None
    ]
    engine.insert("told_files", columns, rows)


def _named(engine: Engine, table: str, names: set[str | None]) -> dict[str | None, int]:
    host = engine.execute("SELECT id FROM hosts")[0][0]
    known = sorted(filter(None, names))
    numbered: dict[str | None, int] = {name: at for at, name in enumerate(known, 1)}
    columns = ("id", "host_id", "name", "first_seen_ns", "last_seen_ns")
    engine.insert(table, columns, [(at, host, name, NOW, NOW) for name, at in numbered.items()])
    return numbered


def _told(engine: Engine, files: Sequence[Subject]) -> None:
    marked = [
        (one.id, int(one.pinned), one.rating, json.dumps(one.tags), one.owner)
        for one in files
        if one.pinned or one.tags or one.rating is not None or one.owner is not None
    ]
    engine.insert("marks", ("file_id", "pinned", "rating", "tags", "owner"), marked)
    copies = [(one.id, where, one.size, bytes(32), at) for one in files for where, at in one.copies]
    engine.insert("copies", ("file_id", "store", "bytes", "digest", "verified_ns"), copies)
    placed = [(one.id, one.placed, one.placed_ns) for one in files if one.placed_ns is not None]
    engine.insert("placed", ("file_id", "store", "since_ns"), placed)


def _used(engine: Engine, files: Sequence[Subject]) -> None:
    used = [(one.id, one.last_opened_ns, 1, 0) for one in files if one.last_opened_ns is not None]
    engine.insert("usage", ("file_id", "last_ns", "opens", "writes"), used)
    rows = [(one.id, day.day, day.opens, day.writes) for one in files for day in one.days]
    engine.insert("usage_days", ("file_id", "day", "opens", "writes"), rows)
