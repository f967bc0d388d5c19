"""Names and passwords: who is let in, who is not, and what it costs to ask."""

from base64 import b64encode

import pytest

from storewarden.measure.passwords import Passwords


class Asked:
    """Lets a password in that is its own hash, and counts how often it was asked."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, password: bytes, hashed: bytes) -> bool:
        self.times += 1
        return password == hashed


def basic(name: str, password: str) -> str:
    return "Basic " + b64encode(f"{name}:{password}".encode()).decode()


def test_who_has_a_name_and_its_password_is_let_in() -> None:
    passwords = Passwords({"ann": "one", "bob": "two:three"}, Asked())

    assert passwords.allow(basic("ann", "one"))
    assert passwords.allow(basic("bob", "two:three"))
    assert passwords.allow(basic("ann", "one").replace("Basic", "bAsIc"))
    assert not passwords.allow(basic("ann", "two:three"))
    assert not passwords.allow(basic("carl", "one"))


@pytest.mark.parametrize(
    "header",
    [
        *("", "Basic", "Basic ", "Basic !!", "Bearer abc"),
        "Basic " + b64encode(b"no colon").decode(),
        "Basic " + b64encode(b"\xff\xfe:x").decode(),
    ],
)
def test_what_names_nobody_is_refused_unasked(header: str) -> None:
    asked = Asked()

    assert not Passwords({"ann": "one"}, asked).allow(header)
    assert asked.times == 0


def test_who_was_let_in_is_known_again_and_who_was_not_is_asked_again() -> None:
    asked = Asked()
    passwords = Passwords({"ann": "one"}, asked)

    assert all(passwords.allow(basic("ann", "one")) for _ in range(5))
    assert asked.times == 1
    assert not any(passwords.allow(basic("ann", "wrong")) for _ in range(5))
    assert asked.times == 6


def test_a_name_that_there_is_not_costs_as_much() -> None:
    asked = Asked()

    assert not Passwords({"ann": "one"}, asked).allow(basic("carl", "one"))
    assert asked.times == 1


def test_the_hash_of_nobody_lets_nobody_in() -> None:
    passwords = Passwords({"ann": "one"}, lambda _password, _hashed: True)

    assert not passwords.allow(basic("carl", "anything"))


def test_name_and_password_are_not_confused() -> None:
    passwords = Passwords({"a": "b", "": "x"}, Asked())

    assert passwords.allow(basic("a", "b"))
    assert not passwords.allow(basic("a\0b", ""))
