"""Which small wrongs are done to code, and that the list of those that are none is kept."""

import ast
from pathlib import Path
from types import FunctionType

import pytest

from tests.mutation.__main__ import FILES
from tests.mutation.equivalent import Equivalents, read_equivalents
from tests.mutation.mutants import SOURCE, Source, function_code
from tests.mutation.operators import changes
from tests.mutation.report import share, survivors, table
from tests.mutation.trying import Trial


def instead(code: str) -> list[str]:
    """Return what the first statement of a code becomes, and all in it."""
    (body,) = ast.parse(code).body
    found = []
    for parent in ast.walk(ast.Module([body], [])):
        for field, value in ast.iter_fields(parent):
            for index, child in enumerate(value if isinstance(value, list) else [value]):
                if isinstance(child, ast.AST):
                    found += [one.told for one in changes(parent, field, index, child)]
    return found


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("a < b", ["a < b → pass", "a < b → a <= b", "a < b → a >= b"]),
        ("x = a is b", ["a is b → a is not b"]),
        ("x = a in b", ["a in b → a not in b"]),
        ("x = a and b", ["a and b → a or b", "a and b → b", "a and b → a"]),
        ("x = a - b", ["a - b → a + b"]),
        ("x = not a", ["not a → a"]),
        ("x = 7", ["7 → 8"]),
        ("x = True", ["True → False"]),
        ("x = 'word'", ["'word' → 'wordx'"]),
        ("x = 'words for people'", []),
        ("x = f'{a}: {b + 1}'[0]", ["0 → 1", "b + 1 → b - 1", "1 → 2"]),
        ("return a", ["return a → return None"]),
        ("return None", []),
        ("raise", ["raise → pass"]),
        ("raise E", ["raise E → pass", "raise E → raise NotImplementedError()"]),
        ("a.b = c", ["a.b = c → pass"]),
        ("a += b", ["a += b → pass"]),
        ("x = c if a else b", ["a → not a"]),
        ("x = any(a)", ["any(a) → all(a)"]),
        ("x = ours(a)", ["ours(a) → a"]),
        ("x = str(a)", []),
        ("x = f(a, b)", ["f(a, b) → f(b, a)"]),
        ("x = f(1 + a, b)", ["1 + a → 1 - a", "1 → 2"]),
        ("x = f(a=b)", ["f(a=b) → f()"]),
    ],
)
def test_each_sort_of_wrong_is_done(code: str, told: list[str]) -> None:
    assert sorted(instead(code)) == sorted(told)


def test_what_is_caught_and_what_is_done_at_the_end_is_left_out() -> None:
    told = instead("try:\n    a\nexcept (B, C):\n    pass\nfinally:\n    d")

    assert {
        "except (B, C) → except NotImplementedError",
        "except (B, C) → except (C,)",
        "except (B, C) → except (B,)",
        "a → pass",
        "d → pass",
    } <= set(told)
    assert any(one.startswith("try: a") for one in told)


CODE = '''
"""A docstring of a module."""
NAMES: Final = frozenset({"a", *(B, C)})

class Thing:
    """A docstring."""

    def same(self, other: "Thing", most: int = 3) -> bool:
        """A docstring."""
        if self.value == other.value:
            return self.size < most
        return [one for one in self if one]
'''


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    (tmp_path / "thing.py").write_text(CODE)
    monkeypatch.setattr("tests.mutation.mutants.SOURCE", tmp_path)
    return Source("thing.py")


def test_a_mutant_tells_where_it_is(source: Source) -> None:
    found = {(one.line, one.where, one.told, one.function) for one in source.mutants}

    same = "Thing.same"
    assert found == {
        (3, "", "'a' left out", ""),
        (3, "", "'a' → 'ax'", ""),
        (3, "", "*(B, C) left out", ""),
        (3, "", "B left out", ""),
        (3, "", "C left out", ""),
        (8, "Thing", "3 → 4", ""),
        (10, same, "self.value == other.value → self.value != other.value", same),
        (11, same, "return self.size < most → return None", same),
        (11, same, "self.size < most → self.size <= most", same),
        (11, same, "self.size < most → self.size >= most", same),
        (12, same, "return [one for one in self if one] → return None", same),
        (12, same, "one → not one", same),
    }


def test_a_mutant_is_the_module_with_one_thing_wrong(source: Source) -> None:
    wrong = next(one for one in source.mutants if one.told.endswith(">= most"))

    answers = []
    for mutant in (wrong, source.unchanged()):
        code = function_code(source.code(mutant), "Thing.same")
        assert code is not None
        same = FunctionType(code, {}, "same", (3,))
        thing = type("Thing", (), {"value": 1, "size": 2})()
        answers.append(same(thing, thing))

    assert answers == [False, True]


def test_what_is_counted_is_what_could_be_killed(source: Source) -> None:
    one, other, listed, *_ = source.mutants
    trials = [
        Trial(one, "a test", ran_out=False, seconds=1.0, tests=3),
        Trial(other, "", ran_out=False, seconds=1.0, tests=3),
        Trial(listed, "", ran_out=False, seconds=1.0, tests=0),
    ]

    found = share(trials, Equivalents([listed.name]))

    assert found == (3, 1, 1)
    assert found.percent == 50.0
    assert list(survivors(trials, Equivalents([listed.name]))) == [
        f"thing.py:{other.line}: module: {other.told}\n    3 tests ran"
    ]
    assert list(survivors(trials[:1], Equivalents([one.name]))) == [
        f"thing.py:{one.line}: module: {one.told}\n    listed as equivalent, and killed by a test"
    ]
    assert len(list(table(trials, Equivalents([listed.name])))) == 3


def test_no_two_mutants_have_the_same_name() -> None:
    mutants = [one for file in FILES for one in Source(file).mutants]

    assert len({one.name for one in mutants}) == len(mutants) > 1000


def test_what_is_listed_and_is_no_mutant_is_told(source: Source) -> None:
    listed = Equivalents([source.mutants[0].name, ("thing.py", "gone", "a → b"), ("b.py", "", "")])

    assert list(listed.unknown(source.mutants)) == [("thing.py", "gone", "a → b")]


def test_what_is_listed_is_read() -> None:
    assert read_equivalents().files <= set(FILES)


def test_nothing_is_listed_without_a_reason(tmp_path: Path) -> None:
    listed = tmp_path / "equivalent.toml"
    listed.write_text('["act/proof.py".both]\n"a → b" = ""\n')

    with pytest.raises(ValueError, match="no reason is given"):
        read_equivalents(listed)


def test_every_mutant_is_code() -> None:
    for file in ("act/proof.py", "act/carry/away.py"):
        source = Source(file)
        original = source.code(source.unchanged())
        for mutant in source.mutants:
            assert source.code(mutant) != original, mutant.told
        assert source.code(source.unchanged()) == original
        assert source.path == SOURCE / file
