"""Tokens: how they look, what is kept of them, and that they do not tell themselves."""

import os
import pickle
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storewarden.api import tokens
from storewarden.errors import NotKnown
from storewarden.measure.shown import without_secrets

BYTES = st.binary(min_size=32, max_size=32)


def fixed(public: bytes, secret: bytes) -> tokens.Token:
    return tokens.make(lambda count: public[:count] if count == 8 else secret[:count])


def test_a_token_says_what_it_is_and_holds_32_random_bytes() -> None:
    token = fixed(bytes(8), bytes(range(32)))
    text = token.reveal()
    assert text == "sw_aaaaaaaaaaaa_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
    assert len(token.digest()) == tokens.DIGEST_BYTES


@given(BYTES, BYTES)
def test_a_token_is_read_as_it_was_shown(public: bytes, secret: bytes) -> None:
    token = fixed(public, secret)
    assert tokens.read(token.reveal()) == token
    assert tokens.read(f" {token.reveal()}\n") == token


@given(BYTES, BYTES, st.integers(0, 42))
def test_a_token_with_another_character_is_another_one(
    public: bytes, secret: bytes, place: int
) -> None:
    token = fixed(public, secret)
    text = token.reveal()
    place += len(text) - 43
    other = "A" if text[place] != "A" else "B"
    wrong = tokens.read(text[:place] + other + text[place + 1 :])
    assert not wrong.is_of(token.digest())
    assert token.is_of(token.digest())


def test_two_tokens_are_two() -> None:
    many = {tokens.make(os.urandom) for _ in range(100)}
    assert (
        len({token.public_id for token in many}) == len({token.digest() for token in many}) == 100
    )


def test_nobody_has_a_token_without_a_digest() -> None:
    assert not tokens.make(os.urandom).is_of(None)


@given(BYTES, BYTES)
def test_a_token_is_never_shown_unless_it_is_asked_for(public: bytes, secret: bytes) -> None:
    token = fixed(public, secret)
    shown = token.reveal()[len("sw_") + 13 :]
    for text in (repr(token), str(token), f"{token}", f"{[token]}", repr({"token": token})):
        assert shown not in text
    assert shown not in without_secrets(f"Authorization: Bearer {token.reveal()}")


def test_a_token_does_not_change() -> None:
    token = tokens.make(os.urandom)
    with pytest.raises(FrozenInstanceError):
        token.public_id = "other"  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(token)) == token


@given(st.text(max_size=80))
def test_what_is_no_token_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(NotKnown) as refused:
        tokens.read(text)
    words = f"{tokens.UNKNOWN}: it is no token of Storewarden; {tokens.REMEDY}"
    assert str(refused.value) == words


def test_what_is_nearly_a_token_is_refused() -> None:
    text = tokens.make(os.urandom).reveal()
    nearly = [text[:-1], text + "A", text.upper(), text.replace("sw_", "ws_"), text[3:]]
    nearly += [text.replace("_", "-", 2), text[:20] + "\0" + text[21:], text[:16]]
    for wrong in nearly:
        with pytest.raises(NotKnown):
            tokens.read(wrong)
