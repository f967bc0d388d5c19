"""Each policy is one sentence that a person reads without knowing the language."""

from textwrap import dedent

import pytest

from storewarden.policy.expression import All, Any, Class, Condition, Not, Term
from storewarden.policy.load import read
from storewarden.policy.sentence import describe, sentence
from tests.conftest import Golden

POLICIES = """
version: 1
classes:
  render: {kind: video, root: save_outputs}
  hot_db: {kind: database, name: [content_automation.db, runtime.db]}
  keeper: {any: [{pinned: true}, {rating: ">= 4"}]}
policies:
  - id: keepers-stay
    match: {any: [keeper, {tag: keep}]}
    hold: true
  - id: keepers-and-raw-ones-stay
    match: {any: [keeper, hot_db]}
    hold: true
    reason: They cannot be made again!
  - id: hot-databases-stay
    match: hot_db
    place: {required: [local]}
    reason: Performance-critical for video/avatar creation
  - id: databases-are-elsewhere
    match: {kind: database, not: hot_db}
    place: {preferred: [cold, cloud]}
  - id: hybrids-by-use
    match: {kind: database, name: [trae_ai.db]}
    place:
      evaluate:
        window: 30d
        local_if: "opens_per_day >= 5 or (writes_per_day >= 1 and size < 1GiB)"
        else: cloud
        min_stay: 7d
        hysteresis: 20%
  - id: renders
    match: {class: render, not: keeper, size: "> 1MiB"}
    clock: last_used
    phases:
      - {after: 2d, do: copy, to: cold}
      - {after: 30d, do: archive, to: cloud, compress: zstd}
      - {after: 365d, do: trash}
      - {after_previous: 7d, do: purge}
    trigger:
      - event
      - {every: 1h}
      - {pressure: {high: 90%, low: 80%, order: [regenerable desc, last_used asc]}}
  - id: previews
    match: {path: tmp/, prompt: [light, dusk], seed: "!= 42", mime: "image/*"}
    clock: modified
    phases: [{after: 3d, do: trash}]
    trigger: [{cron: "0 3 * * *"}]
  - id: old-conversations
    match: {rows: app.conversations}
    clock: updated_at
    phases: [{after: 365d, do: archive, compress: zstd}, {after: 7y, do: purge}]
  - id: database-care
    match: {kind: database}
    care:
      backup: {cron: "0 3 * * *", keep_last: 14, keep_within: 30d, to: cloud}
      integrity: {every: 1d}
      drill: {every: 7d}
      analyze: {every: 1w}
      vacuum: {when: "free_ratio > 0.25"}
  - id: often-backed-up
    match: {kind: database, name: "chat*"}
    care:
      backup:
        every: 15min
        full: {every: 1d}
        compress: zstd
        keep_last: 4
        keep_hourly: 24
        keep_daily: 7
        keep_weekly: 4
        keep_monthly: 12
        keep_yearly: 1
  - id: whole-each-time
    match: {kind: database, name: "small*"}
    care: {backup: {every: 1d, compress: none, keep_yearly: 10}}
"""


def test_every_kind_of_policy_is_one_sentence(golden: Golden) -> None:
    text = dedent(POLICIES).encode()
    policy_set = read(
        [("made-up.yaml", text)], stores=("cloud", "cold"), tables=("app.conversations",)
    )
    said = [sentence(policy) for policy in policy_set.policies]
    for line in said:
        assert line.isprintable()
        assert line[0].isupper()
        assert line.endswith((".", "!"))
    golden("policy-sentences.txt", "".join(f"{line}\n" for line in said))


KIND = Term("kind", "=", ("video", "image"))
SMALL = Term("size", "<=", (1024,))


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (KIND, "kind is video or image"),
        (Not(KIND), "kind is not video or image"),
        (Not(SMALL), "not (size is at most 1KiB)"),
        (Not(Class("keeper", KIND)), "the class is not keeper"),
        (All((KIND, Any((SMALL, Class("a", KIND))))), None),
        (Any((All((KIND, SMALL)), SMALL)), None),
        (All(()), "everything is"),
        (Any(()), "nothing is"),
        (Term("pinned", "=", (True,)), "pinned is true"),
        (Term("pinned", "!=", (True,)), "pinned is false"),
        (Not(Term("pinned", "=", (True,))), "not (pinned is true)"),
        (Term("prompt", "=", ("dusk",)), "the prompt holds dusk"),
        (Term("prompt", "!=", ("dusk",)), "the prompt does not hold dusk"),
        (Term("prompt", "=", ("*dusk",)), "prompt is *dusk"),
        (Term("idle", ">", (30 * 86_400 * 10**9,)), "idle is above 30d"),
    ],
)
def test_conditions_are_said_in_words(condition: Condition, said: str | None) -> None:
    if said is None:
        assert describe(condition).count("(") == 1  # what would be read otherwise is bracketed
    else:
        assert describe(condition) == said
