"""Any bytes under any name are some kind of file."""

import re

from hypothesis import example, given
from hypothesis import strategies as some

from storewarden.facts import signatures
from storewarden.facts.inspectors import INSPECTORS, NOTHING
from storewarden.facts.kinds import KINDS, extensions, kind_of
from storewarden.facts.sniff import HEAD, sniff

BEGINNINGS = [row[0] for row in signatures._FIRST] + [
    b"\0\0\0\x18" + box for box in signatures.BOXES
]
EXTENSIONS = [b"a." + extension for extension, _, _ in extensions()]

heads = some.binary(max_size=HEAD) | some.builds(
    bytes.__add__, some.sampled_from(BEGINNINGS), some.binary(max_size=400)
)
names = some.binary(max_size=255) | some.sampled_from(EXTENSIONS)


@given(heads, names)
@example(b"OggS\0", b"")
@example(b"\0\0\1", b"")
@example(b"\0\0\0\1", b"")
def test_any_bytes_under_any_name_are_something(head: bytes, name: bytes) -> None:
    found = sniff(head, name)

    assert found.kind in KINDS
    assert re.fullmatch(r"[a-z]+/[a-z0-9.+-]+", found.mime)
    assert found.inspector == NOTHING or found.inspector in INSPECTORS


@given(some.text(min_size=1), some.sampled_from(EXTENSIONS))
def test_text_is_never_taken_for_sound_or_a_moving_picture(text: str, name: bytes) -> None:
    found = sniff(text.encode("utf-8", "replace")[:HEAD], name)

    if not any(ord(sign) < 32 for sign in text):
        assert found.kind not in ("audio", "video") or kind_of(name) == found.kind


@given(some.sampled_from(EXTENSIONS), names)
def test_an_empty_file_is_what_it_is_called(name: bytes, other: bytes) -> None:
    assert sniff(b"", name).kind == kind_of(name)
    assert sniff(b"", other).kind == kind_of(other)
