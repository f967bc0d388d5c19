"""What policies say of one file they say of all in SQL, whichever database has the files."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storewarden.catalogue import find
from storewarden.catalogue.engine import Engine
from storewarden.policy.decide import decide
from storewarden.policy.evaluate import evaluate, flips
from storewarden.policy.expression import Condition, Term
from storewarden.policy.flipping import flips as flips_in_sql
from storewarden.policy.known import WINDOW
from storewarden.policy.rules import PolicySet
from storewarden.policy.sql import joins, render
from storewarden.policy.sql_pieces import Speech
from storewarden.policy.subject import Subject
from storewarden.policy.terms import write
from storewarden.policy.verdict import COLUMNS, verdict
from tests.policies import NOW, clean, conditions, many_subjects, one_term, policy_sets, store

SETTINGS = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def truths(engine: Engine, condition: Condition) -> dict[int, bool | None]:
    rendered = render(condition, engine.dialect, NOW)
    rows = engine.execute(
        f"SELECT f.id, {rendered.text} FROM {joins(rendered.joins, engine.dialect)}",
        rendered.params,
    )
    return {id_: None if truth is None else bool(truth) for id_, truth in rows}


@given(files=many_subjects(), asked=st.lists(conditions(), min_size=1, max_size=12))
@SETTINGS
def test_a_condition_is_true_of_the_same_files_in_sql(
    engine: Engine, files: list[Subject], asked: list[Condition]
) -> None:
    clean(engine)
    store(engine, files)

    for condition in asked:
        found = truths(engine, condition)
        for one in files:
            assert found[one.id] is evaluate(condition, one, NOW), (condition, one)


@given(files=many_subjects(), asked=st.lists(conditions(), min_size=1, max_size=6))
@SETTINGS
def test_time_changes_it_at_the_same_moment_in_sql(
    engine: Engine, files: list[Subject], asked: list[Condition]
) -> None:
    clean(engine)
    store(engine, files)

    for condition in asked:
        rendered = flips_in_sql([condition], Speech(engine.dialect, NOW, WINDOW))
        rows: dict[int, int | None] = dict(
            engine.execute(
                f"SELECT f.id, {rendered.text} FROM {joins(rendered.joins, engine.dialect)}",
                rendered.params,
            )
        )
        for one in files:
            assert rows[one.id] == flips(condition, one, NOW), (condition, one)


@given(files=many_subjects(), policies=policy_sets())
@SETTINGS
def test_the_same_is_decided_in_sql(
    engine: Engine, files: list[Subject], policies: PolicySet
) -> None:
    clean(engine)
    store(engine, files)

    found = decided(engine, policies)
    for one in files:
        assert found[one.id] == expected(one, policies), one


ALIKE = {
    *("kind", "root", "name", "path", "ext", "size", "modified", "mime", "width", "height"),
    *("duration", "workflow", "scene", "tool", "model", "seed", "opens_per_day", "writes_per_day"),
    *("file_type", "owner", "tag", "rating", "cost", "pinned"),
}


def also_asked_for(term: Term) -> bool:
    """Tell whether the files that meet a term can be asked for in the same words."""
    value = write(term.name, term.values[0])
    if term.name in {"kind", "root"} and any(sign in value for sign in "*?["):
        return False
    return term.name in ALIKE and "," not in value and (term.name, value) != ("width", "512.5")


@given(files=many_subjects(), asked=st.lists(one_term().filter(also_asked_for), min_size=5))
@SETTINGS
def test_terms_mean_what_they_mean_to_who_looks_for_files(
    engine: Engine, files: list[Subject], asked: list[Term]
) -> None:
    clean(engine)
    store(engine, files)

    for term in asked:
        one_value = replace(term, values=term.values[:1])
        text = f"{term.name}{term.compare}{write(term.name, term.values[0])}"
        found = {row.id for row in find.files(engine, (text, "state=any"), NOW)}
        for one in files:
            truth = evaluate(one_value, one, NOW)
            if truth is False or (truth and term.compare != "!="):  # of what is absent != is true
                assert (one.id in found) == truth, (text, one)


ODD = st.text(st.sampled_from("ab.%_?*[]!^-\\'\"é✓\n"), min_size=1, max_size=6)


@given(texts=st.lists(ODD, min_size=1, max_size=6, unique=True), patterns=st.lists(ODD, min_size=1))
@SETTINGS
def test_any_text_is_a_pattern_that_means_the_same(
    engine: Engine, texts: list[str], patterns: list[str]
) -> None:
    said = dict.fromkeys(("workflow", "scene", "tool", "model", "prompt", "owner"))
    files = [
        Subject(
            *(at, "uploads", f"d{text}/{at}{text}".encode(), text, 1, NOW, NOW),
            inspected=True,
            understood=True,
            mime=text,
            tags=(text, "b"),
            **dict.fromkeys(said, text),  # type: ignore[arg-type]  # all of them are texts
        )
        for at, text in enumerate(texts, 1)
    ]
    clean(engine)
    store(engine, files)

    for pattern in patterns:
        for name in (*said, "kind", "mime", "tag", "name", "path", "ext"):
            for value in (pattern, f"*{pattern}", f"{pattern}*", f"*{pattern}*", f"d{pattern}/*"):
                term = Term(name, "=", (value,))
                found = truths(engine, term)
                for one in files:
                    assert found[one.id] is evaluate(term, one, NOW), (term, one)


def decided(engine: Engine, policies: PolicySet) -> dict[int, dict[str, object]]:
    ids = {policy.id: 100 + at for at, policy in enumerate(policies.policies)}
    query = verdict(policies, ids, engine.dialect, NOW)
    rows = engine.execute(query.query("f.id < ?"), (*query.params, 1_000_000))
    return {row[0]: dict(zip(COLUMNS, row[1:], strict=True)) for row in rows}


def expected(one: Subject, policies: PolicySet) -> dict[str, object]:
    wanted = decide(one, policies, NOW)
    ids = {policy.id: 100 + at for at, policy in enumerate(policies.policies)}

    def number(name: str | None) -> int:
        if name is None:
            return 0
        return -ids[name[1:]] if name.startswith("?") else ids[name]

    return {
        "hold": number(wanted.hold),
        "place": number(wanted.place),
        "phases": number(wanted.phases),
        "care": number(wanted.care),
        "policy_id": ids[wanted.policy] if wanted.policy else None,
        "action": wanted.action,
        "due_ns": wanted.due_ns,
        "store": wanted.store,
        "blocked": wanted.blocked,
        "again_ns": wanted.again_ns,
    }
