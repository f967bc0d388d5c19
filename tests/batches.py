"""Many acts that are carried out together, for sweeps over kills, faults and who interferes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from storewarden.act.batch import carry_out_all
from storewarden.act.execute import Outcome, Patience
from storewarden.catalogue.acts import Act
from tests.executing import BYSTANDER, CONTENTS, Life
from tests.striking import Strike, calm, stand

BUNDLE = (b"data/app.db", b"data/app.db-wal")
SINGLES = (b"side/by/side/app.txt", b"a/one", b"a/two", b"three")
MORE: Mapping[bytes, bytes] = {b"a/one": b"one" * 40, b"a/two": b"two" * 50, b"three": b"three"}
GROUPS: Sequence[Sequence[bytes]] = (BUNDLE, *((path,) for path in SINGLES))


class Many(NamedTuple):
    """Acts that are to be carried out together, and what is to be true when they were."""

    begin: Callable[[Life], list[Act]]
    state: str  # of the rows
    gone: bool = False  # whether the contents may be gone for good


def furnish(life: Life) -> None:
    """Put more files into a root than the acts on one bundle need."""
    for path, content in MORE.items():
        life.write(path, content)
        life.record(path)


def plan_each(life: Life, verb: str, groups: Sequence[Sequence[bytes]] = GROUPS) -> list[Act]:
    """Note an act for each group of files."""
    return [life.plan(verb, paths) for paths in groups]


def trashing(life: Life) -> list[Act]:
    furnish(life)
    return plan_each(life, "trash")


def purging(life: Life) -> list[Act]:
    done(life, trashing(life))
    return plan_each(life, "purge")


def purging_some(life: Life) -> list[Act]:
    """Purge what lies in a drawer beside what stays there."""
    done(life, trashing(life))
    return plan_each(life, "purge", GROUPS[:3])


def restoring(life: Life) -> list[Act]:
    done(life, trashing(life))
    return plan_each(life, "restore")


def restoring_some(life: Life) -> list[Act]:
    """Bring back what lies in a drawer beside what stays there, to where no directory is."""
    done(life, trashing(life))
    os.rmdir(life.at(b"a"))
    os.rmdir(life.at(b"data"))
    return plan_each(life, "restore", GROUPS[:3])


MANY: Mapping[str, Many] = {
    "trash": Many(trashing, "trashed"),
    "purge": Many(purging, "purged", gone=True),
    "purge-some": Many(purging_some, "purged", gone=True),
    "restore": Many(restoring, "present"),
    "restore-some": Many(restoring_some, "present"),
}


def carry_out_many(
    life: Life, some: Sequence[Act], strike: Strike = calm, patience: Patience | None = None
) -> list[Outcome]:
    """Carry out acts together, in a process that was just started."""
    executor = life.executor(strike, patience)
    stand(executor.tools.journal, ("share",), "journal", strike)
    stand(executor.tools.acted, ("all_trashed", "all_purged", "all_restored"), "acted", strike)
    return list(carry_out_all(executor, some))


def done(life: Life, some: Sequence[Act]) -> None:
    """Carry out acts together, to their ends."""
    for outcome in carry_out_many(life, some):
        assert outcome.act.state == "done", outcome.act.error


def contents() -> dict[bytes, bytes]:
    """Return all contents that are in a root, but for the bystander, by their places."""
    return {**CONTENTS, **MORE}


def there_once(life: Life) -> set[bytes]:
    """Check that no content has two places; return the paths of those that have none."""
    local = life.local()
    assert BYSTANDER in local
    for content in contents().values():
        assert len(local.get(content, ())) <= 1, local[content]
    return {path for path, content in contents().items() if content not in local}


def agree(life: Life) -> None:
    """Check that the catalogue tells the truth of what lies in the root and its trash."""
    local = life.local()
    for row in life.files():
        content = contents().get(row.whole, BYSTANDER)
        places = local.get(content, [])
        if row.state == "present":
            assert row.whole in places, (row, places)
        elif row.state == "trashed":
            assert [one for one in places if one.startswith(b".storewarden/trash/")], (row, places)
        else:
            assert row.state == "purged", row
            assert not places, (row, places)


def drawers(life: Life) -> list[str]:
    """Return the drawers of the trash."""
    room = life.path / ".storewarden" / "trash"
    return sorted(os.listdir(room)) if room.exists() else []
