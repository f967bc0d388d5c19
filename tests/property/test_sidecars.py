"""Whatever files are called, telling which belong together is total and says what it promised."""

from hypothesis import given
from hypothesis import strategies as some

from storewarden.facts.kinds import kind_of
from storewarden.facts.sidecars import belongs, language, sidecar

PARTS = (
    *(b"clip", b"a", b"", b"en", b"pt-BR", b"whisper", b"info", b"forced", b"mp4", b"png", b"db"),
    *(b"srt", b"vtt", b"txt", b"json", b"xmp", b"caption", b"db-wal", b"md", b"\xff", b"\n", b"-"),
)
ROLES = {"transcript", "subtitle", "caption", "metadata", "database"}
OWNERS = {"image", "video", "audio", "model", "database", "document", "other"}

names = (
    some.lists(some.sampled_from(PARTS), min_size=1, max_size=7).map(b".".join)
    | some.binary(max_size=255)
    | some.builds(
        bytes.__add__, some.binary(max_size=40), some.sampled_from([b".srt", b".txt", b"-wal"])
    )
)


@given(names)
def test_stems_are_beginnings_of_the_name_the_longest_first(name: bytes) -> None:
    found = sidecar(name)

    if found is not None:
        assert found.role in ROLES
        assert found.stems
        for stem in found.stems:
            assert stem.strip(b".")
            assert name.startswith(stem)
            assert len(stem) < len(name)
        assert sorted(found.stems, key=len, reverse=True) == list(found.stems)
        assert len(set(found.stems)) == len(found.stems)


@given(names, names)
def test_an_owner_is_called_like_one_of_the_stems(name: bytes, owner: bytes) -> None:
    role = belongs(name, owner)

    if role is not None:
        found = sidecar(name)
        assert found is not None
        assert role in ROLES
        assert owner in found.stems or owner.rpartition(b".")[0] in found.stems
        assert kind_of(owner) in OWNERS
        assert name != owner


@given(names, some.sampled_from([b".mp4", b".png", b".wav", b".safetensors", b".pdf", b".db"]))
def test_a_pair_is_never_each_the_sidecar_of_the_other(name: bytes, extension: bytes) -> None:
    found = sidecar(name)
    for stem in found.stems if found is not None else ():
        owner = stem + extension
        assert belongs(name, owner) is None or belongs(owner, name) is None


@given(names)
def test_a_language_is_told_of_sidecars_only(name: bytes) -> None:
    told = language(name)

    if told is not None:
        assert sidecar(name) is not None
        assert 2 <= len(told.partition("-")[0]) <= 3
