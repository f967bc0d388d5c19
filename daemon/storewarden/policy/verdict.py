"""What is decided of every file, as SQL for both databases: ``decide`` for a set, in one pass.

It is one query in layers, each worked out once for a row: which policies win; which step of their
lives and which store come next; when each is due; which of the two it is; what keeps it back.
Databases like to fold layers into one, which works every winner out a dozen times: a LIMIT that
limits nothing keeps them apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from storewarden.policy import flipping, lives
from storewarden.policy.decision import Blocked
from storewarden.policy.known import WINDOW
from storewarden.policy.placement import limits, requires_local
from storewarden.policy.rules import LOCAL, Force, Policy, PolicySet
from storewarden.policy.sql import joins, surely_known, whole
from storewarden.policy.sql_pieces import Dialect, Speech, Sql, put, sql
from storewarden.policy.sql_terms import clock

COLUMNS = (
    *("hold", "place", "phases", "care", "policy_id", "action", "due_ns", "store"),
    *("blocked", "again_ns"),
)
WINNERS = COLUMNS[:4]
NO_NUMBER, NO_TEXT = sql("CAST(NULL AS BIGINT)"), sql("CAST(NULL AS TEXT)")
_APART = {"sqlite": "LIMIT -1", "postgresql": "OFFSET 0"}

Layer = dict[str, Sql]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A query without its condition: ``head WHERE … tail``; marks of the condition come last.

    Its columns are ``file_id`` and ``COLUMNS``. Files are ``f``, directories ``d``, roots ``r``.
    """

    head: str
    tail: str
    params: tuple[object, ...]

    def query(self, where: str) -> str:
        """Return the query over the files that meet a condition."""
        return f"{self.head} WHERE {where} {self.tail}"


def verdict(
    policy_set: PolicySet, ids: Mapping[str, int], dialect: Dialect, now_ns: int
) -> Verdict:
    """Return the query that decides files as ``decide`` does; ``ids`` are those of the policies."""
    about_files = [policy for policy in policy_set.policies if policy.rows is None]
    building = _Building(about_files, ids, Speech(dialect, now_ns, WINDOW))
    return _layered(building.layers(), dialect)


def _layered(layers: Sequence[Layer], dialect: Dialect) -> Verdict:
    """Put layers around each other, the first innermost."""
    apart = _APART[dialect]
    needed = frozenset().union(*(each.joins for each in layers[0].values()))
    first = _select(layers[0])
    head, tail, params = f"{first.text} FROM {joins(needed, dialect)}", apart, first.params
    for layer in layers[1:]:
        outer = _select(layer)
        head = f"{outer.text} FROM ({head}"
        tail = f"{tail}) l {apart}"
        params = (*outer.params, *params)
    if dialect == "sqlite":
        head, params = _numbered(head, params)
    return Verdict(head, tail, params)


def _numbered(text: str, params: Sequence[object]) -> tuple[str, tuple[object, ...]]:
    """Number the marks, so that equal parameters share one: SQLite has only so many.

    A mark without a number that comes behind is the next one.
    """
    numbers: dict[tuple[type, object], int] = {}
    pieces = text.split("?")
    for at, param in enumerate(params, 1):
        number = numbers.setdefault((type(param), param), len(numbers) + 1)
        pieces[at] = f"?{number}{pieces[at]}"
    return "".join(pieces), tuple(param for _, param in numbers)


def _select(layer: Layer) -> Sql:
    listed = [
        each if each.text == name else put(f"{{}} AS {name}", each) for name, each in layer.items()
    ]
    return put("SELECT " + ", ".join(["{}"] * len(listed)), *listed)


class _Building:
    """The layers of one set of policies."""

    def __init__(self, policies: list[Policy], ids: Mapping[str, int], speech: Speech) -> None:
        self._speech = speech
        self._ids = ids
        self._policies = policies
        places = [policy for policy in policies if policy.place]
        # what requires a place comes before what only prefers one
        self._places = sorted(
            places, key=lambda policy: not (policy.place and policy.place.required)
        )
        self._measured = [
            (policy, policy.place.evaluate)
            for policy in self._places
            if policy.place and policy.place.evaluate
        ]
        # Whether marks are looked up for all files: then who is pinned is known by that.
        self._marked = any("m" in whole(each.match, speech).joins for each in policies)
        self._steps = list(lives.steps(policy for policy in policies if policy.phases))

    def layers(self) -> list[Layer]:
        """Return all layers, the innermost first."""
        pinned = ["pinned"] if self._marked else []
        kept = [*WINNERS, "state", "seen", "gone", "growing", "flip", *pinned]
        times = {step.policy.clock for step in self._steps} & {"modified", "last_used"}
        kept += sorted(times)
        if self._places or self._steps:
            kept.append("placed")
        if self._places:
            kept.append("placed_ns")
        first = {"id": sql("f.id"), **self._won(), **self._raw(times), **self._measures()}
        second = {
            **_same("id", *kept),
            "step": lives.step(self._steps, self._ids),
            "away": self._away(),
        }
        if self._measured:
            second["flip"] = self._place_flip()
        rest = ["id", *WINNERS, "flip", "growing", *pinned, "step", "away"]
        third = {**_same(*rest), **self._dues()}
        fourth = {**_same(*rest, *self._dues()), "moves": self._moves()}
        return [first, second, third, fourth, self._last()]

    # -- the first layer: winners, and what else is known of a row --------------------------------

    def _won(self) -> Layer:
        cares = [policy for policy in self._policies if policy.care]
        care = self._first(cares)
        if cares:
            care = put("CASE WHEN f.kind = 'database' THEN {} ELSE 0 END", care)
        return {
            "hold": self._first(policy for policy in self._policies if policy.hold),
            "place": self._first(self._places),
            "phases": self._first(policy for policy in self._policies if policy.phases),
            "care": care,
        }

    def _first(self, policies: Iterable[Policy]) -> Sql:
        """Return the first policy whose match is not false, negative where it is unknown."""
        cases = []
        for policy in policies:
            number, met = self._ids[policy.id], whole(policy.match, self._speech)
            if surely_known(policy.match):
                cases.append(put(f"WHEN {{}} THEN {number}", met))
            else:
                either = put(f"CASE WHEN {{}} THEN {number} ELSE -{number} END", met)
                cases.append(put("WHEN {} IS NOT FALSE THEN {}", _bracketed(met), either))
        return _case(cases, sql("0"))

    def _raw(self, times: Iterable[str]) -> Layer:
        raw = {
            "state": sql("f.state"),
            "seen": sql("f.first_seen_ns"),
            "gone": sql("f.gone_ns"),
            "growing": sql("f.growing"),
            **{name: clock(name, self._speech) for name in times},
            "flip": flipping.flips([each.match for each in self._policies], self._speech),
        }
        if self._marked:
            raw["pinned"] = sql("m.pinned", joins="m")
        if self._places:
            raw["placed"] = sql(_LIES.format("pl.store"), joins="pl")
            raw["placed_ns"] = sql("pl.since_ns", joins="pl")
        elif self._steps:  # few files are away: the others need not be looked up
            store = "(SELECT l.store FROM placed l WHERE l.file_id = f.id)"
            raw["placed"] = sql(_LIES.format(store))
        return raw

    def _measures(self) -> Layer:
        """Return of each policy that looks at use whether a file belongs here, and until when."""
        layer = {}
        for at, (policy, how) in enumerate(self._measured):
            speech = Speech(self._speech.dialect, self._speech.now_ns, how.window_ns)
            near, far = (limits(how, local=local) for local in (True, False))
            truth, flip = whole(near, speech), flipping.flips([near], speech)
            if near != far:
                here = f"CASE WHEN NOT ({_AWAY}) THEN {{}} ELSE {{}} END"
                truth = put(here, truth, whole(far, speech), joins="pl")
                other = flipping.flips([far], speech)
                flip = put(here, flip, other, joins="pl")
            stage = f"(f.state = 'present' OR ({_AWAY}))"
            guard = put(f"{stage} AND {{}} IS NOT FALSE", self._match(policy), joins="pl")
            layer[f"here{at}"] = put("CASE WHEN {} THEN {} END", guard, truth)
            layer[f"flip{at}"] = put("CASE WHEN {} THEN {} END", guard, flip)
        return layer

    def _match(self, policy: Policy) -> Sql:
        return _bracketed(whole(policy.match, self._speech))

    # -- the second: what comes next in its life, and where it belongs ----------------------------

    def _away(self) -> Sql:
        """Return the store that a file has to go to; NULL where it stays."""
        if not self._places:
            return NO_TEXT
        cases = [
            put(f"WHEN {self._ids[policy.id]} THEN {{}}", self._belongs(policy))
            for policy in self._places
        ]
        where = _case(cases, NO_TEXT, "abs(place)")
        stage = f"(state = 'present' OR placed <> '{LOCAL}')"
        return put(f"CASE WHEN {stage} AND place <> 0 THEN nullif({{}}, placed) END", where)

    def _belongs(self, policy: Policy) -> Sql:
        place = policy.place
        if place and place.required:
            marks = ", ".join("?" * len(place.required))
            stays = sql(f"placed IN ({marks})", *place.required)
            return put("CASE WHEN {} THEN placed ELSE {} END", stays, _text(place.required[0]))
        if place and place.preferred:
            return _text(place.preferred[0])
        for at, (measured, how) in enumerate(self._measured):
            if measured is policy:
                unknown = f"WHEN here{at} IS NULL THEN placed"
                there = f"CASE {unknown} WHEN here{at} THEN 'local' ELSE {{}} END"
                return put(there, _text(how.otherwise))
        return sql("placed")

    def _place_flip(self) -> Sql:
        cases = [
            sql(f"WHEN {self._ids[policy.id]} THEN flip{at}")
            for at, (policy, _) in enumerate(self._measured)
        ]
        return flipping.earliest([sql("flip"), _case(cases, NO_NUMBER, "abs(place)")], self._speech)

    # -- the third and fourth: when, and which of the two -----------------------------------------

    def _dues(self) -> Layer:
        """Return what a life asks for and when, and when a file may go elsewhere."""
        since = sql("placed_ns") if self._places else lives.LOOKED_UP
        due = lives.dues(self._steps, self._speech, since)
        dues = {"act": lives.actions(self._steps), "due": due}
        stays = {
            self._ids[policy.id]: how.min_stay_ns
            for policy, how in self._measured
            if how.min_stay_ns
        }
        if not self._places:
            return {**dues, "leaves": NO_NUMBER}
        stay = _case(
            [sql(f"WHEN {id_} THEN {ns}") for id_, ns in stays.items()], sql("0"), "abs(place)"
        )
        latest = "max" if self._speech.lite else "greatest"
        leaves = put(f"{latest}(seen, coalesce(placed_ns, seen) + {{}})", stay)
        return {**dues, "leaves": put("CASE WHEN away IS NOT NULL THEN {} END", leaves)}

    def _moves(self) -> Sql:
        """Return whether of a step and a move it is the move: the gentler, or the earlier."""
        now = sql("?", self._speech.now_ns)
        move = int(Force.MOVE)
        return put(
            "CASE WHEN away IS NULL THEN FALSE WHEN step IS NULL THEN TRUE"
            f" WHEN leaves <= {{}} THEN due IS NULL OR due > {{}} OR act > {move}"
            " WHEN due <= {} THEN FALSE"
            f" ELSE due IS NULL OR leaves < due OR (leaves = due AND act > {move}) END",
            *(now, now, now),
        )

    # -- the last: what is decided ----------------------------------------------------------------

    def _last(self) -> Layer:
        act = sql(f"CASE WHEN moves THEN {int(Force.MOVE)} ELSE act END")
        due = sql("CASE WHEN moves THEN leaves ELSE due END")
        who = sql("CASE WHEN moves THEN place WHEN step IS NOT NULL THEN phases END")
        goal = put("CASE WHEN moves THEN away ELSE {} END", lives.stores(self._steps))
        return {
            "file_id": sql("id"),
            **_same(*WINNERS),
            "policy_id": put("abs({})", who),
            "action": act,
            "due_ns": due,
            "store": goal,
            "blocked": self._blocked(),
            "again_ns": self._again(),
        }

    def _blocked(self) -> Sql:
        """Return the first thing that keeps the action back."""
        required = [
            str(self._ids[policy.id]) for policy in self._places if requires_local(policy.place)
        ]
        here = [str(step.number) for step in self._steps if step.phase.to == LOCAL]
        elsewhere = f"step NOT IN ({', '.join(here)})" if here else "TRUE"
        frees = (
            f"(CASE WHEN moves THEN away <> '{LOCAL}'"
            f" ELSE act > {int(Force.COPY)} AND {elsewhere} END)"
        )
        kept = f"abs(place) IN ({', '.join(required)}) AND {frees}" if required else "FALSE"
        frees_bytes = f"(moves OR act > {int(Force.COPY)})"
        when = [
            ("step IS NULL AND away IS NULL", Blocked.NO),
            (f"hold <> 0 AND {frees_bytes}", Blocked.HELD),
            (f"{frees_bytes} AND {_MARKED if self._marked else _PINNED}", Blocked.PINNED),
            (f"place > 0 AND {kept}", Blocked.REQUIRED),
            ("CASE WHEN moves THEN place < 0 ELSE phases < 0 OR due IS NULL END", Blocked.UNKNOWN),
            (f"place < 0 AND {kept}", Blocked.UNKNOWN),
            ("EXISTS (SELECT 1 FROM sidecars x WHERE x.file_id = id)", Blocked.SIDECAR),
            ("growing <> 0", Blocked.GROWING),
        ]
        return _case([sql(f"WHEN {cond} THEN {int(block)}") for cond, block in when], sql("0"))

    def _again(self) -> Sql:
        """Return when time alone may change this, or what was not chosen is due."""
        now = sql("?", self._speech.now_ns)
        other = sql("CASE WHEN moves THEN due ELSE leaves END")
        later = put("CASE WHEN {} > {} THEN {} END", other, now, other)
        return flipping.earliest([sql("flip"), later], self._speech)


# What was moved to another store, and what was archived by its life, are both archived.
_LIES = f"CASE f.state WHEN 'archived' THEN coalesce({{}}, '{LOCAL}') ELSE '{LOCAL}' END"
_AWAY = f"f.state = 'archived' AND coalesce(pl.store, '{LOCAL}') <> '{LOCAL}'"
_MARKED = "coalesce(pinned, 0) = 1"
_PINNED = "EXISTS (SELECT 1 FROM marks m WHERE m.file_id = id AND m.pinned = 1)"


def _same(*names: str) -> Layer:
    """Return columns that are handed on from the layer within."""
    return {name: sql(name) for name in names}


def _case(cases: Sequence[Sql], otherwise: Sql, of: str = "") -> Sql:
    """Return the first case that holds; without any, what else is said."""
    if not cases:
        return otherwise
    return put(f"CASE {of} {' '.join(['{}'] * len(cases))} ELSE {{}} END", *cases, otherwise)


def _bracketed(piece: Sql) -> Sql:
    return put("({})", piece)


def _text(value: str) -> Sql:
    return sql("CAST(? AS TEXT)", value)
