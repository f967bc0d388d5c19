"""What people are shown of names and texts that anybody may have made."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storewarden.measure.shown import shown, without_secrets


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"plain.png", "plain.png"),
        ("é漢😀".encode(), "é漢😀"),
        (b"not utf-8: \xff\xfe", r"not utf-8: \xff\xfe"),
        (os.fsdecode(b"not utf-8: \xff"), r"not utf-8: \xff"),
        ("lone \ud800", r"lone \ud800"),
        (b"two\nlines\r\t\x00", r"two\nlines\r\t\x00"),
        (b"\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("c1 \x9b31m", r"c1 \x9b31m"),
        ("gnp.\u202eexe", r"gnp.\u202eexe"),
        ("line\u2028separator", r"line\u2028separator"),
        (12, "12"),
        (None, "None"),
    ],
)
def test_shown(value: object, expected: str) -> None:
    assert shown(value) == expected


@given(st.binary(max_size=300))
def test_any_name_is_one_harmless_line(name: bytes) -> None:
    text = shown(name)
    assert text.isprintable() or not set(text) & set(map(chr, [*range(32), *range(127, 160)]))
    assert len(text.splitlines()) <= 1
    text.encode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://warden:pw@host/db", "postgresql://warden:***@host/db"),
        ("at http://u:p@h, and s3://k:v@b", "at http://u:***@h, and s3://k:***@b"),
        ("host=db password=geheim user=x", "host=db password=*** user=x"),
        ("host=db password='two words' user=x", "host=db password=*** user=x"),
        ("postgresql://warden@host/db", "postgresql://warden@host/db"),
        ("http://127.0.0.1:9747/metrics", "http://127.0.0.1:9747/metrics"),
        ("http://h:1/a@b", "http://h:1/a@b"),
        ("postgresql:///db?password=x&sslmode=y", "postgresql:///db?password=***"),
    ],
)
def test_without_secrets(text: str, expected: str) -> None:
    assert without_secrets(text) == expected


def test_a_token_is_blotted_out_wherever_it_stands_and_its_public_part_stays() -> None:
    token = "sw_abcdefgh2345_" + "A-_b" * 10 + "xyz"
    told = without_secrets(f"GET /api/v1/files?token={token} refused: '{token}'")
    assert token[16:] not in told
    assert told == "GET /api/v1/files?token=sw_abcdefgh2345_*** refused: 'sw_abcdefgh2345_***'"


@pytest.mark.parametrize(
    "text", ["sw_lora_v2.safetensors", "draw_sw_cat_and_dog", "sw_ABCDEFGH2345_x"]
)
def test_names_that_are_no_tokens_stay(text: str) -> None:
    assert without_secrets(text) == text
