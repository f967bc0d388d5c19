"""No name from outside makes more series than there may be, or says more than a label should."""

import re

import pytest

from storewarden.measure.labels import MOST, OTHER, folded, label, labels

HOSTILE = (
    "a b.db", 'x"} 1\nup', "\x1b[2J", "\u202egnp.exe", "naïve.db", "", "-rf", "x" * 65, "other",
    "\udcff.db", "a\\b", "{}", "../../etc/passwd",
)  # fmt: skip


@pytest.mark.parametrize("name", ["app.db", "trae_ai.db", "content-1.sqlite3", "A", "9"])
def test_a_plain_name_is_its_own_label(name: str) -> None:
    assert label(name) == name


@pytest.mark.parametrize("name", HOSTILE)
def test_any_other_name_is_a_digest(name: str) -> None:
    found = label(name)

    assert re.fullmatch(r"[A-Za-z0-9_][\w.+-]{0,63}~[0-9a-f]{12}|~[0-9a-f]{12}", found)
    assert found != OTHER


def test_of_a_path_the_last_part_is_left_and_two_of_them_differ() -> None:
    found = {label("anna/app.db"), label("bert/app.db")}

    assert len(found) == 2
    assert all(re.fullmatch(r"app\.db~[0-9a-f]{12}", one) for one in found)


def test_of_thousands_the_first_are_shown_and_the_rest_as_one() -> None:
    found = labels(f"{number}.db" for number in range(5_000))

    assert len(set(found.values())) == MOST + 1
    assert found[f"{MOST - 1}.db"] == f"{MOST - 1}.db"
    assert found[f"{MOST}.db"] == found["4999.db"] == OTHER


def test_what_shares_a_label_is_folded() -> None:
    named = {"a": "a", "b": OTHER, "c": OTHER}

    assert folded({"a": 1, "b": 2, "c": 3}, named, max) == {("a",): 1.0, (OTHER,): 3.0}
