"""How these tests read policies: a text, two stores, one declared table."""

import pytest

from storewarden.errors import PolicyError
from storewarden.policy.load import read
from storewarden.policy.rules import Policy, PolicySet

STORES = ("cold", "cloud")
TABLES = ("app.conversations",)


def policy_set(*texts: str) -> PolicySet:
    """Return what files of these texts say together; they are called a.yaml, b.yaml, …"""
    sources = [(f"{chr(97 + at)}.yaml", text.encode()) for at, text in enumerate(texts)]
    return read(sources, stores=STORES, tables=TABLES)


def policy(rest: str, head: str = "") -> Policy:
    """Return the one policy `a` that has these keys."""
    text = f"version: 1\n{head}\npolicies:\n  - {{id: a, {rest}}}\n"
    (found,) = policy_set(text).policies
    return found


def problems(*texts: str) -> list[str]:
    """Return what is wrong instead."""
    with pytest.raises(PolicyError) as caught:
        policy_set(*texts)
    assert caught.value.exit_code == 2
    return list(caught.value.problems)
