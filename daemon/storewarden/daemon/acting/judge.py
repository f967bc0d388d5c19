"""What the policies in force say of files at this moment: asked right before something is done."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from storewarden.act.carry.work import PurgeRule
from storewarden.catalogue.acts import Act
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.ready import DecidedRow, decided
from storewarden.errors import PermanentError
from storewarden.policy.decision import Blocked
from storewarden.policy.rules import Force, Policy, PolicySet
from storewarden.policy.verdict import verdict

_COPIES = frozenset({Force.COPY, Force.ARCHIVE})


class Says(NamedTuple):
    """What is decided of a file."""

    policy: str | None
    action: Force | None
    due_ns: int | None
    store: str | None
    blocked: Blocked

    def asks(self, policy: str, verb: str, store: str | None, now_ns: int) -> bool:
        """Tell whether a policy wants just this done, now."""
        due = self.due_ns is not None and self.due_ns <= now_ns and not self.blocked
        word = None if self.action is None else self.action.word
        return due and (self.policy, word, self.store) == (policy, verb, store)


class Judge:
    """A set of policies, asked about files as they are."""

    def __init__(self, engine: Engine, host_id: int, policies: PolicySet) -> None:
        self.policies = policies
        self._engine = engine
        self._host_id = host_id
        self._numbers = {policy.id: at for at, policy in enumerate(policies.policies, 1)}

    @classmethod
    def none(cls, engine: Engine, host_id: int) -> Judge:
        """Return one that wants nothing."""
        return cls(engine, host_id, PolicySet())

    def policy(self, name: str | None) -> Policy | None:
        """Return a policy that is in force."""
        return None if name is None else self.policies.policy(name)

    def says(self, ids: Collection[int], now_ns: int) -> dict[int, Says]:
        """Return what is decided of files; inside a transaction, of the files as it sees them."""
        query = verdict(self.policies, self._numbers, self._engine.dialect, now_ns)
        rows = decided(self._engine, self._host_id, query, ids)
        return {row.file_id: self._says(row) for row in rows}

    def _says(self, row: DecidedRow) -> Says:
        blocked = Blocked(row.blocked)
        if row.action is None:
            return Says(None, None, row.due_ns, row.store, blocked)
        force = Force(row.action)
        number = row.place if force is Force.MOVE else row.phases
        policy = self.policies.policies[abs(number) - 1].id
        return Says(policy, force, row.due_ns, row.store, blocked)

    def purge_rule(self, act: Act) -> PurgeRule:
        """Return what has to hold before something is removed from the trash.

        Raises:
            PermanentError: the policy that wanted it is not in force any more.
        """
        if act.policy is None:
            return PurgeRule()
        policy = self.policy(act.policy)
        purge = None if policy is None else _purge_of(policy)
        if policy is None or purge is None:
            raise PermanentError(
                "nothing is purged by a policy that does not say so any more",
                where=act.policy,
                remedy="a person may: storewarden purge",
            )
        return purge


def _purge_of(policy: Policy) -> PurgeRule | None:
    """Return what a policy asks for before it purges; None when it never does."""
    for at, phase in enumerate(policy.phases):
        if phase.do is Force.PURGE:
            before = policy.phases[at - 1] if at else None
            rests = phase.after_previous and before is not None and before.do is Force.TRASH
            copied = any(one.do in _COPIES for one in policy.phases[:at])
            return PurgeRule(phase.after_ns if rests else 0, copied)
    return None
