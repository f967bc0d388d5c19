"""Whatever a condition is, the line that is written of it is read as the same condition."""

from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from storewarden.config.problems import Origin, Place, Problems
from storewarden.policy import text
from storewarden.policy.evaluate import evaluate
from storewarden.policy.explain import explain
from storewarden.policy.expression import All, Any, Class, Condition, Not, Term
from storewarden.policy.subject import Subject
from tests.policies import NOW, conditions, one_term, subjects

PLACE = Place(Origin("p.yaml", Path()), 1, 1)


def bare(condition: Condition) -> Condition:
    """Return a condition without how it was written, and without brackets around one part."""
    match condition:
        case Term():
            return replace(condition, written="")
        case All(parts) | Any(parts):
            each = tuple(map(bare, parts))
            return each[0] if len(each) == 1 else replace(condition, parts=each)
        case Not(part):
            return Not(bare(part))
        case Class(name, part):
            return Class(name, bare(part))


def readable(condition: Condition) -> bool:
    """Tell whether people could write it: no half pixels, no endings with a pattern."""
    match condition:
        case Term(name, _, values):
            return name not in {"width", "path"} or all(isinstance(v, int | str) for v in values)
        case All(parts) | Any(parts):
            return all(map(readable, parts))
        case Not(part) | Class(part=part):
            return readable(part)


@given(conditions().filter(readable))
def test_what_is_written_is_read_as_the_same(condition: Condition) -> None:
    classes: dict[str, Condition] = {}

    def named(one: Condition) -> Condition:
        """Give every class a name of its own."""
        match one:
            case All(parts) | Any(parts):
                return replace(one, parts=tuple(map(named, parts)))
            case Not(part):
                return Not(named(part))
            case Class(_, part):
                name = f"class-{len(classes)}"
                classes[name] = All(())  # its place among the others
                classes[name] = bare(named(part))
                return Class(name, classes[name])
            case Term():
                return one

    condition = bare(named(condition))
    problems = Problems()
    read = text.parse(text.write(condition), PLACE, problems, classes=classes)

    assert problems.lines() == ()
    assert read is not None
    assert bare(read) == condition
    assert text.write(read) == text.write(condition)


@given(st.text(max_size=60))
def test_any_line_is_read_or_told(line: str) -> None:
    problems = Problems()
    found = text.parse(line, PLACE, problems)

    assert (found is None) == bool(problems.lines())


WORDS = ("and", "or", "not", "(", ")", "size", ">", "1GiB", "pinned", "name", "=", "'a b'", ",")


@given(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join))
def test_any_words_are_read_or_told(line: str) -> None:
    problems = Problems()
    found = text.parse(line, PLACE, problems)

    assert (found is None) == bool(problems.lines())
    if found is not None:
        again = text.parse(text.write(found), PLACE, problems)
        assert again is not None
        assert bare(again) == bare(found)


@given(subjects(), conditions())
def test_an_explanation_says_what_is_decided(subject: Subject, condition: Condition) -> None:
    explained = explain(condition, subject, NOW)

    assert explained.truth is evaluate(condition, subject, NOW)


@given(subjects(), one_term())
def test_a_term_and_its_opposite_are_never_both_so(subject: Subject, term: Term) -> None:
    truth = evaluate(term, subject, NOW)

    assert evaluate(Not(term), subject, NOW) is (None if truth is None else not truth)
