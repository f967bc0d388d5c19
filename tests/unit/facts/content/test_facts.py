"""What documents, archives, models, databases and texts tell, read by people as one page each."""

import gzip
import io
from typing import Any

import pytest

from storewarden.facts.found import Found
from storewarden.facts.inspect import inspect
from storewarden.facts.inspectors import INSPECTORS
from storewarden.facts.reader import Reader
from storewarden.model import Facts, Outcome, Transcript
from tests.conftest import Golden
from tests.looking import complaint, look, texts
from tests.makers import content, models, pdfs
from tests.makers.content import FILES


def told(name: str, facts: Facts) -> str:
    """Return all facts of one file as lines."""
    lines = [f"{name}: {facts.kind}, {facts.mime}, {facts.inspector}, {facts.outcome}"]
    values = {place: getattr(facts.media, place) for place in ("width", "height", "pages")}
    values |= {"workflow": facts.workflow, "scene": facts.scene} | facts.more
    values.pop("database.sqlite_version", None)  # of the library that these tests happen to have
    lines += [f"  {key} = {value!r}" for key, value in sorted(values.items()) if value is not None]
    if facts.transcript:
        language = f" ({facts.transcript.language})" if facts.transcript.language else ""
        lines.append(f"  {facts.transcript.role}{language}:")
        lines += [f"    {line}" for line in facts.transcript.text.splitlines()]
    return "\n".join(lines)


@pytest.mark.parametrize("inspector", FILES)
def test_all_that_a_file_tells(inspector: str, golden: Golden) -> None:
    pages = [
        told(name, inspect(Reader.of_bytes(data), name.encode()))
        for name, data in FILES[inspector]().items()
    ]

    golden(f"facts/{inspector}.txt", "\n".join(pages) + "\n")


@pytest.mark.parametrize("inspector", FILES)
def test_all_of_every_file_is_read(inspector: str) -> None:
    for name, data in FILES[inspector]().items():
        facts = inspect(Reader.of_bytes(data), name.encode())
        assert (facts.inspector, facts.outcome, facts.reason) == (inspector, Outcome.READ, ""), name


def test_what_a_trainer_wrote_into_a_model_is_kept_for_its_provenance() -> None:
    found = look("safetensors", models.tensors({"w": ("F16", (2, 2))}, models.METADATA))

    assert texts(found) == {f"safetensors:{key}": said for key, said in models.METADATA.items()}


def test_what_a_language_model_says_of_itself_is_kept_for_its_provenance() -> None:
    found = look("gguf", models.gguf(models.LLAMA, models.LLAMA_SHAPES))

    assert texts(found) == {
        "gguf:general.architecture": "llama",
        "gguf:general.name": "Dusk 7B Instruct",
        "gguf:general.license": "apache-2.0",
    }
    assert found.more["model.parameters"] == 4096 * 32000 + 4096


@pytest.mark.parametrize(
    "data",
    [
        content.GENERATED,
        {"sui_image_params": {"prompt": "dusk"}},
        {"image": {"prompt": "dusk", "seed": 5}},
        content.API_GRAPH,
        content.UI_GRAPH,
        [{"prompt": "dusk", "steps": 4}],
    ],
)
def test_json_about_the_making_of_a_picture_is_kept_for_its_provenance(data: Any) -> None:
    written = content.as_json(data)

    assert texts(look("json", written)) == {"json": written.decode()}


@pytest.mark.parametrize(
    "data", [{"prompt": "dusk"}, {"model": "a", "b": 1}, [], [1], "a", 5, None]
)
def test_other_json_is_not(data: Any) -> None:
    assert texts(look("json", content.as_json(data))) == {}


@pytest.mark.parametrize(
    ("data", "spoken"),
    [
        (content.WHISPER | {"language": "english"}, "en"),
        (content.WHISPER | {"language": "pt-br"}, "pt-BR"),
        (content.WHISPER | {"language": None}, None),
        (content.WHISPER | {"language": "Klingon"}, None),
        (content.WHISPER["segments"], None),
        ({"chunks": [{"timestamp": [0, 1], "text": "The lighthouse\nstands at dusk."}]}, None),
    ],
)
def test_speech_is_read_from_what_each_program_writes(data: Any, spoken: str | None) -> None:
    found = look("json", content.as_json(data))

    said = "The lighthouse\nstands at dusk."
    assert found.transcript == Transcript("transcript", said, spoken)


@pytest.mark.parametrize(
    ("data", "workflow", "scene"),
    [
        ({"workflow": "promo", "scene": 3}, "promo", "3"),
        ({"workflow_id": " a1 ", "scene_number": "03"}, "a1", "03"),
        ({"metadata": {"workflow_name": "promo", "scene_id": "intro"}}, "promo", "intro"),
        ({"workflow": {"nodes": []}, "scene": True}, None, None),
        ({"workflow": "", "scene": None}, None, None),
        ({"workflow": "x" * 201, "scene": 2**70}, None, None),
    ],
)
def test_an_application_names_workflow_and_scene(
    data: Any, workflow: str | None, scene: str | None
) -> None:
    found = look("json", content.as_json(data))

    assert (found.workflow, found.scene) == (workflow, scene)


def test_captions_that_roll_say_each_line_once() -> None:
    rolled = "WEBVTT\n\n" + "\n\n".join(
        f"00:0{second}.000 --> 00:0{second + 1}.000\n{above}\n{below}"
        for second, (above, below) in enumerate([("", "the"), ("the", "light"), ("light", "house")])
    )

    found = look("subtitle", rolled.encode())
    assert found.transcript == Transcript("subtitle", "the\nlight\nhouse")


def test_subtitles_without_empty_lines_between_them_are_read() -> None:
    close = "1\n00:00:01,000 --> 00:00:02,000\nthe\n2\n00:00:02,000 --> 00:00:03,000\n7\n"

    found = look("subtitle", close.encode())
    assert found.transcript == Transcript("subtitle", "the\n7")


def test_the_pages_of_a_document_made_for_the_web_are_told_at_its_beginning() -> None:
    first = b"%%PDF-1.4\n1 0 obj\n<</Linearized 1/L %3d/N 12>>\nendobj\n"
    size = len(first % 0)

    found, reason = complaint("pdf", first % size)
    assert found.pages == 12
    assert reason

    found, _ = complaint("pdf", first % size + b"changed")
    assert found.pages is None


def test_what_stands_before_a_document_moves_it() -> None:
    found = look("pdf", b"mail header\n" + pdfs.plain(pdfs.objects(3)))

    assert found.pages == 3


def test_a_document_with_ten_thousand_pages_in_one_node_is_read() -> None:
    assert look("pdf", pdfs.plain(pdfs.objects(10_000))).pages == 10_000


def test_a_zip_behind_a_program_is_read() -> None:
    found = look("zipped", b"#!/bin/sh\nexit\n" + content.docx())

    assert (found.pages, found.more["title"]) == (7, "Dusk & dawn")


def test_a_title_is_no_longer_than_it_may_be() -> None:
    found = look("safetensors", models.tensors({}, {"modelspec.title": "x" * 10_000}))

    assert found.more["title"] == "x" * 4000


def test_prose_is_text_that_can_be_searched_and_a_log_is_not() -> None:
    said = b"The lighthouse\nstands at dusk.\n"

    assert look("prose", said).transcript == Transcript("text", "The lighthouse\nstands at dusk.")
    assert look("text", said).transcript is None


def test_of_a_long_text_the_first_four_mebibytes_are_kept() -> None:
    found = look("prose", b"dusk\n" * (1 << 20))

    assert found.transcript is not None
    assert len(found.transcript.text) == 4 << 20
    assert "text.lines" not in found.more


def test_words_are_counted_across_pieces() -> None:
    found = look("prose", b"lighthouse " * 100_000)

    assert found.more["text.words"] == 100_000


@pytest.mark.parametrize(
    "comment", [b"", b"by hand", b"PK\5\6" * 9, b"PK\5\6" + bytes(16) + b"\1\0", b"a" * 65_535]
)
def test_a_comment_of_a_zip_may_be_anything(comment: bytes) -> None:
    found = look("zipped", content.zipped({"a": "b"}, comment=comment))

    assert found.more["archive.entries"] == 1


def test_what_was_put_behind_a_zip_does_no_harm() -> None:
    assert look("zipped", content.zipped({"a": "b"}) + b"\r\n").more["archive.entries"] == 1


def test_a_vocabulary_is_passed_over() -> None:
    words = [f"{'long' * (number % 7)}{number}" for number in range(50_000)]
    told = (("tokens", models.ARRAY, (models.STRING, words)), *models.LLAMA)

    found = look("gguf", models.gguf(told, models.LLAMA_SHAPES))
    assert found.more["title"] == "Dusk 7B Instruct"
    assert found.more["model.tensors"] == 2


def test_of_a_log_of_gigabytes_little_is_read() -> None:
    lengths = []

    def read(_offset: int, length: int) -> bytes:
        lengths.append(length)
        return b"a line\n" * (length // 7) + b"ab"[: length % 7]

    found = Found()
    INSPECTORS["text"].read(Reader(read, 10 << 30), found)

    assert found.more == {"text.encoding": "ascii"}
    assert sum(lengths) <= 64 << 10


def test_a_document_that_is_as_large_as_a_zip_may_be_is_read() -> None:
    mail = content.zipped({"[Content_Types].xml": "<Types/>"})
    told = {"[Content_Types].xml": "<Types/>", "docProps/core.xml": "<dc:title>Dusk</dc:title>"}

    found = look("zipped", content.large_zip(told))
    assert found.more["title"] == "Dusk"
    assert found.more["archive.unpacked_size"] == sum(map(len, told.values()))

    found = look("zipped", mail + content.large_zip(told))  # behind something else
    assert (found.more["archive.entries"], found.more["title"]) == (2, "Dusk")


@pytest.mark.parametrize(
    ("written", "title"),
    [
        (b"(dusk)", "dusk"),
        (b"(a \\(b\\) (c) \\\\ \\101\\n\\\nd)", "a (b) (c) \\ A\nd"),
        (b"<6475736B>", "dusk"),
        (b"<64 75\n73 7>", "dusp"),
        (b"(\xfe\xff\x65\xe5)", "日"),
        (b"(\xff\xfe\xe5\x65)", "日"),
        (b"(\xef\xbb\xbf\xe6\x97\xa5)", "日"),
        (b"(M\xf6)", "Mö"),
        (b"4 0 R % as a reference\n", None),
    ],
)
def test_a_title_of_a_document_is_read_in_every_form(written: bytes, title: str | None) -> None:
    told = pdfs.objects(1) | {4: b"<</Title " + written + b"/A 1>>"}

    found, _ = complaint("pdf", pdfs.plain(told))
    assert found.more.get("title") == title
    assert found.pages == 1


def test_the_packet_of_a_document_is_kept_for_its_provenance() -> None:
    assert texts(look("pdf", pdfs.with_xmp(b"<x:xmpmeta/>"))) == {"xmp": "<x:xmpmeta/>"}


def test_a_gzip_tells_the_name_of_what_was_packed() -> None:
    into = io.BytesIO()
    with gzip.GzipFile("dusk.csv", "wb", fileobj=into) as packed:
        packed.write(b"a,b")

    assert look("archive", into.getvalue()).more["archive.name"] == "dusk.csv"
