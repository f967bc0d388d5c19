"""Why something is due, in a few words, the same for all files of a policy."""

from __future__ import annotations

from storewarden.pipeline.planning import Item
from storewarden.policy.decision import Blocked
from storewarden.policy.rules import Force, Policy, PolicySet
from storewarden.units import format_duration

SECOND = 1_000_000_000
CLOCKS = {
    "created": "it was first seen",
    "modified": "it was last written",
    "last_used": "its last use",
}
BLOCKED = {
    Blocked.HELD: "held, or it is not known whether it is",
    Blocked.PINNED: "pinned",
    Blocked.REQUIRED: "required here",
    Blocked.UNKNOWN: "not known whether a policy matches, or its clock",
    Blocked.SIDECAR: "goes where its owner goes",
    Blocked.GROWING: "somebody is writing it",
}


class Words:
    """Says it once for each policy and action, and remembers."""

    def __init__(self, policies: PolicySet) -> None:
        self._policies = {policy.id: policy for policy in policies.policies}
        self._said: dict[tuple[str, Force], list[str]] = {}

    def reasons(self, item: Item) -> list[str]:
        """Return why an item is due, and what keeps it from being done."""
        key = item.policy, item.action
        if key not in self._said:
            policy = self._policies[item.policy]
            self._said[key] = [*_when(policy, item.action), *filter(None, [policy.reason])]
        said = self._said[key]
        if item.blocked:
            return [*said, f"blocked: {BLOCKED[item.blocked]}"]
        if item.waits:
            return [*said, "waits until the disk is fuller"]
        return said


def _when(policy: Policy, action: Force) -> list[str]:
    if action is Force.MOVE:
        place = policy.place
        if place is None:
            return []
        if place.required:
            return ["required elsewhere than it is"]
        return ["belongs there by its use" if place.evaluate else "belongs there"]
    for phase in policy.phases:
        if phase.do is action:
            after = format_duration(phase.after_ns / SECOND)
            since = CLOCKS.get(policy.clock, policy.clock)
            return [f"{after} after {'the step before' if phase.after_previous else since}"]
    return []
