"""Which file belongs to which, by their names."""

import pytest

from storewarden.facts.sidecars import belongs, language, sidecar


@pytest.mark.parametrize(
    ("name", "owner", "role"),
    [
        (b"clip.srt", b"clip.mp4", "subtitle"),
        (b"clip.mp4.srt", b"clip.mp4", "subtitle"),
        (b"clip.en.srt", b"clip.mp4", "subtitle"),
        (b"clip.en.srt", b"clip.en.mp4", "subtitle"),
        (b"clip.pt-BR.forced.vtt", b"clip.mkv", "subtitle"),
        (b"Clip [abc].en-orig.vtt", b"Clip [abc].webm", "subtitle"),
        (b"CLIP.SRT", b"CLIP.MP4", "subtitle"),
        (b"talk.lrc", b"talk.mp3", "subtitle"),
        (b"clip.txt", b"clip.mp4", "transcript"),
        (b"clip.en.txt", b"clip.mp4", "transcript"),
        (b"talk.transcript.md", b"talk.opus", "transcript"),
        (b"clip.whisper.json", b"clip.mp4", "transcript"),
        (b"paper.txt", b"paper.pdf", "transcript"),
        (b"image.txt", b"image.png", "caption"),
        (b"image.png.txt", b"image.png", "caption"),
        (b"image.caption", b"image.webp", "caption"),
        (b"clip.caption", b"clip.mp4", "caption"),
        (b"clip.summary.txt", b"clip.mp4", "summary"),
        (b"clip.prompt", b"clip.mp4", "caption"),
        (b"clip.description", b"clip.webm", "caption"),
        (b"film.nfo", b"film.mkv", "metadata"),
        (b"style.txt", b"style.safetensors", "caption"),
        (b"image.json", b"image.png", "metadata"),
        (b"image.png.json", b"image.png", "metadata"),
        (b"clip.info.json", b"clip.webm", "metadata"),
        (b"IMG_1.jpg.supplemental-metadata.json", b"IMG_1.jpg", "metadata"),
        (b"shot.xmp", b"shot.dng", "metadata"),
        (b"shot.dng.xmp", b"shot.dng", "metadata"),
        (b"style.civitai.info", b"style.safetensors", "metadata"),
        (b"app.db-wal", b"app.db", "database"),
        (b"app.db-shm", b"app.db", "database"),
        (b"app.sqlite-journal", b"app.sqlite", "database"),
        (b"Cookies-journal", b"Cookies", "database"),
    ],
)
def test_a_sidecar_belongs_to_its_owner(name: bytes, owner: bytes, role: str) -> None:
    assert belongs(name, owner) == role


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        (b"clip.srt", b"clip.srt"),  # itself
        (b"clip.srt", b"clip2.mp4"),
        (b"clip.srt", b"clip.png"),  # nobody speaks in a picture
        (b"clip.hd.srt", b"clip.mp4"),  # `hd` is no language
        (b"image.txt", b"image.json"),  # two texts
        (b"image.json", b"image.txt"),
        (b"app.txt", b"app.db"),
        (b"app.db-wal", b"app.db.png"),
        (b"app.db-wal", b"app.sqlite"),
        (b"photo-journal", b"photo.png"),
        (b"image.png", b"image.jpg"),
        (b"package.info", b"package.mp4"),
        (b".txt", b".png"),
        (b"..srt", b"..mp4"),
        (b"en.srt", b".mp4"),
        (b"clip", b"clip.mp4"),
        (b"", b""),
    ],
)
def test_strangers_are_not_brought_together(name: bytes, owner: bytes) -> None:
    assert belongs(name, owner) is None


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (b"clip.en.srt", "en"),
        (b"clip.eng.srt", "en"),
        (b"clip.ger.forced.srt", "de"),
        (b"clip.pt_br.srt", "pt-BR"),
        (b"clip.es-419.vtt", "es-419"),
        (b"clip.zh-hans.vtt", "zh-Hans"),
        (b"clip.zh-Hant-TW.vtt", "zh-Hant-TW"),
        (b"clip.en-orig.vtt", "en"),
        (b"clip.mp4.fr.txt", "fr"),
        (b"talk.de.transcript.txt", "de"),
        (b"clip.srt", None),
        (b"clip.v2.srt", None),
        (b"clip.hd.srt", None),
        (b"de.srt", None),  # the film is called so
        (b"clip.en.json", None),
        (b"clip.en.mp4", None),
        (b"clip.en.\xff.srt", None),
        (b"app.db-wal", None),
    ],
)
def test_a_name_tells_its_language(name: bytes, told: str | None) -> None:
    assert language(name) == told


def test_the_longest_name_is_looked_for_first() -> None:
    found = sidecar(b"clip.mp4.en.forced.srt")

    assert found is not None
    assert found.stems == (b"clip.mp4.en.forced", b"clip.mp4.en", b"clip.mp4")
