"""Users, their tokens, and who it is that shows one, on both databases."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection
from typing import Any

import pytest

from storewarden.api import tokens, users
from storewarden.api.known import KNOWN_SECONDS, USED_SECONDS, Known
from storewarden.api.quota import Quota
from storewarden.api.scopes import SCOPES
from storewarden.api.who import MACHINE, Scope, Who
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.told import holdings
from storewarden.catalogue.told import tokens as kept_tokens
from storewarden.clock import ManualClock
from storewarden.errors import NotKnown, NotThere, StorewardenError, UsageError
from tests.telling import NOW, own, token, user

HOUR_NS = 3600 * 10**9


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def known(engine: Engine, clock: ManualClock) -> Known:
    return Known(engine, clock)


def refusal(known: Known, text: str) -> str:
    with pytest.raises(NotKnown) as refused:
        known.who(text)
    return str(refused.value)


# -- users ------------------------------------------------------------------------------------


def test_a_user_is_made_listed_and_shown(engine: Engine) -> None:
    made = users.add(engine, "ada", Quota(1024, 10), NOW)
    users.add(engine, "Bob.the-2nd@example.org", Quota(), NOW)
    assert made == users.show(engine, "ada", NOW).user
    assert (made.quota_bytes, made.quota_files, made.files, made.bytes) == (1024, 10, 0, 0)
    assert made.created == "2026-11-21T07:30:01Z"
    assert [one.name for one in users.every(engine, NOW).users] == [
        "Bob.the-2nd@example.org",
        "ada",
    ]


@pytest.mark.parametrize(
    "name", ["", " ada", "ada ", "a/b", "-ada", "a\nb", "a" * 65, "ädа", "a b", "other", 'a"b']
)
def test_what_is_no_name_is_refused(engine: Engine, name: str) -> None:
    with pytest.raises(UsageError):
        users.add(engine, name, Quota(), NOW)
    assert users.every(engine, NOW).users == ()


def test_a_name_is_given_once(engine: Engine) -> None:
    users.add(engine, "ada", Quota(5), NOW)
    with pytest.raises(UsageError, match="there is a user of that name: ada"):
        users.add(engine, "ada", Quota(), NOW)
    assert users.show(engine, "ada", NOW).user.quota_bytes == 5


def test_who_is_not_there_is_not_there_for_anything(engine: Engine) -> None:
    for name in ("ada", "no name", "a" * 1000):
        for attempt in (
            lambda name=name: users.show(engine, name, NOW),
            lambda name=name: users.set_quota(engine, name, Quota(), NOW),
            lambda name=name: users.disable(engine, name, NOW),
            lambda name=name: users.revoke(engine, name, (), NOW),
            lambda name=name: token(engine, name),
        ):
            with pytest.raises(NotThere, match="there is no such user"):
                attempt()


def test_a_quota_is_changed_and_it_is_seen_who_is_over(engine: Engine) -> None:
    ada = user(engine, "ada", Quota(files=1))
    told = [own(engine, name, ada) for name in (b"1.png", b"2.png")]
    holdings.count(engine, told)
    assert users.show(engine, "ada", NOW).user.over == ("files",)
    assert users.set_quota(engine, "ada", Quota(files=2), NOW).over == ()
    assert users.every(engine, NOW).users[0].files == 2


def test_who_asks_is_told_who_it_is(engine: Engine) -> None:
    ada = user(engine, "ada", Quota(7), scopes={"write"})
    me = users.me(engine, ada, NOW)
    assert (me.name, me.scopes) == ("ada", ("write",))
    assert me.user is not None
    assert me.user.quota_bytes == 7
    machine = users.me(engine, MACHINE, NOW)
    assert (machine.name, machine.scopes, machine.user) == ("", SCOPES, None)


# -- tokens -----------------------------------------------------------------------------------


def test_a_token_makes_its_user_known_with_what_it_may(engine: Engine, known: Known) -> None:
    ada = user(engine, "ada")
    cases: list[tuple[set[Scope], set[Scope]]] = [
        ({"read"}, {"read"}),
        ({"write"}, {"write"}),
        ({"read", "write"}, {"read", "write"}),
        ({"admin"}, set(SCOPES)),
    ]
    for scopes, granted in cases:
        text = token(engine, "ada", scopes=scopes)
        assert known.who(text) == Who(ada.user_id, "ada", frozenset(granted))


def test_a_token_is_kept_as_a_digest_alone(engine: Engine) -> None:
    user(engine, "ada")
    text = token(engine, "ada", label="app")
    secret = text.split("_", 2)[2]
    rows = engine.execute("SELECT * FROM tokens")
    assert secret not in repr(rows)
    assert tokens.read(text).digest() in [bytes(row[3]) for row in rows]


def test_whatever_does_not_hold_is_refused_in_the_same_words(
    engine: Engine, known: Known, clock: ManualClock
) -> None:
    user(engine, "ada")
    user(engine, "bob")
    revoked, disabled = token(engine, "ada", label="old"), token(engine, "bob")
    expired = token(engine, "ada", expires_ns=NOW + HOUR_NS)
    right = token(engine, "ada")
    wrong = right[:-1] + ("A" if right[-1] != "A" else "B")
    nobodys = tokens.make(os.urandom).reveal()
    users.revoke(engine, "ada", ["old"], NOW)
    users.disable(engine, "bob", NOW)
    known.who(expired)
    clock.advance(3600)
    words = {refusal(known, text) for text in (revoked, disabled, expired, wrong, nobodys)}
    assert len(words) == 1
    assert words.pop() == (
        "the token is not known here: it is nobody's, or holds no longer;"
        " ask whoever looks after Storewarden for a new one: storewarden user token NAME"
    )
    known.who(right)


def test_what_is_revoked_holds_a_few_seconds_at_the_most(
    engine: Engine, known: Known, clock: ManualClock
) -> None:
    user(engine, "ada")
    text = token(engine, "ada")
    known.who(text)
    users.revoke(engine, "ada", (), NOW)
    clock.advance(KNOWN_SECONDS)
    refusal(known, text)


def test_what_is_revoked_here_holds_no_longer_at_once(engine: Engine, known: Known) -> None:
    user(engine, "ada")
    text = token(engine, "ada")
    known.who(text)
    users.disable(engine, "ada", NOW)
    known.forget()
    refusal(known, text)
    users.disable(engine, "ada", NOW, disabled=False)
    known.who(text)


def test_one_token_of_several_is_revoked_by_its_id_its_label_or_itself(
    engine: Engine, known: Known
) -> None:
    user(engine, "ada")
    texts = [token(engine, "ada", label=label) for label in ("a", "b", "", "d")]
    public = texts[0].split("_")[1]
    assert users.revoke(engine, "ada", [public], NOW) == [public]
    assert users.revoke(engine, "ada", [public], NOW) == []
    users.revoke(engine, "ada", ["b"], NOW)
    users.revoke(engine, "ada", [texts[2]], NOW)
    for text in texts[:3]:
        refusal(known, text)
    known.who(texts[3])
    shown = users.show(engine, "ada", NOW)
    assert [one.holds for one in shown.tokens] == [True, False, False, False]
    assert shown.user.tokens == 1


def test_what_is_no_token_of_hers_is_not_revoked_and_not_repeated(engine: Engine) -> None:
    user(engine, "ada")
    user(engine, "bob")
    text = token(engine, "bob")
    with pytest.raises(NotThere) as refused:
        users.revoke(engine, "ada", [text], NOW)
    assert text.split("_", 2)[2] not in str(refused.value)
    assert users.show(engine, "bob", NOW).user.tokens == 1


@pytest.mark.parametrize(
    "more", [{"expires_ns": NOW}, {"label": "two\nlines"}, {"label": "x" * 201}]
)
def test_a_token_that_would_be_of_no_use_is_not_made(engine: Engine, more: dict[str, Any]) -> None:
    user(engine, "ada")
    with pytest.raises(UsageError):
        token(engine, "ada", **more)
    assert users.show(engine, "ada", NOW).tokens == ()


# -- what is remembered -----------------------------------------------------------------------


def test_a_token_is_looked_up_once_in_a_while(
    engine: Engine, known: Known, clock: ManualClock
) -> None:
    user(engine, "ada")
    text = token(engine, "ada")
    asked: list[str] = []

    def hear(sql: str, _seconds: float, /, *, rows: int = 1) -> None:
        asked.append(sql)

    engine.timed = hear
    for _ in range(10):
        known.who(text)
    assert len(asked) == 1
    clock.advance(KNOWN_SECONDS)
    known.who(text)
    assert len(asked) == 2


def test_when_a_token_was_used_is_noted_once_a_minute_and_written_by_who_writes(
    engine: Engine, known: Known, clock: ManualClock
) -> None:
    user(engine, "ada")
    text = token(engine, "ada")
    assert not known.write_uses()
    known.who(text)
    known.who(text)
    assert users.show(engine, "ada", NOW).tokens[0].last_used is None
    assert known.write_uses()
    assert users.show(engine, "ada", NOW).tokens[0].last_used == "2026-11-21T07:30:01Z"
    clock.advance(USED_SECONDS - 1)
    known.who(text)
    assert not known.write_uses()
    clock.advance(1)
    known.who(text)
    assert known.write_uses()
    assert users.show(engine, "ada", NOW).tokens[0].last_used == "2026-11-21T07:31:01Z"


def test_a_use_that_could_not_be_written_is_written_later(
    engine: Engine, known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    user(engine, "ada")
    known.who(token(engine, "ada"))

    def fail(*_args: object) -> None:
        raise StorewardenError("the catalogue cannot be written")

    with monkeypatch.context() as broken:
        broken.setattr(kept_tokens, "used", fail)
        with pytest.raises(StorewardenError):
            known.write_uses()
    assert known.write_uses()
    assert users.show(engine, "ada", NOW).tokens[0].last_used is not None


def test_a_use_is_never_noted_as_earlier_than_it_was(engine: Engine) -> None:
    user(engine, "ada")
    row = kept_tokens.by_public_id(engine, token(engine, "ada").split("_")[1])
    assert row is not None
    kept_tokens.used(engine, [(row.id, NOW + HOUR_NS)])
    kept_tokens.used(engine, [(row.id, NOW)])
    again = kept_tokens.by_public_id(engine, row.public_id)
    assert again is not None
    assert again.last_used_ns == NOW + HOUR_NS


def test_many_threads_may_ask_at_once(engine: Engine, known: Known) -> None:
    names = [f"user{number}" for number in range(4)]
    texts = {name: (user(engine, name), token(engine, name))[1] for name in names}
    found: list[tuple[str, str]] = []

    def ask(some: Collection[str]) -> None:
        for _ in range(25):
            found.extend((name, known.who(texts[name]).name) for name in some)

    threads = [threading.Thread(target=ask, args=(names,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 400
    assert all(asked == told for asked, told in found)
