"""Listeners: what the configuration says of them arrives, or is told; no secret stands in it."""

import json
from pathlib import Path
from typing import Any

import pytest

from storewarden.api.events import words
from storewarden.config import schema
from storewarden.config.changes import changed
from storewarden.config.export import json_schema
from storewarden.config.schema import ListenerSettings
from tests.conftest import Golden
from tests.unit.config.asking import problems, settings

ROOTS = "roots: {a: /a}\nstate: /s\n"
WRONG = [
    "listeners: {}",
    "listeners: [https://a.example/]",
    "listeners: {App: 'https://a.example/', b: , c: {}, d: [x], e: {events: [created]}}",
    "listeners: {a: {url: 'https://a.example/', secret: hunter2}, b: app.example, c: 'ftp://h/'}",
    "listeners: {a: 'https://me:hunter2@a.example/', b: 'http://h:70000/', c: 'redis://h/x'}",
    "listeners: {a: {url: 'https://h/', events: [createt, {a: b}], files: [kind, []]}}",
    "listeners: {a: {url: 'https://h/', events: created, stream: x, timeout: 10min}}",
    "listeners: {a-b: 'https://h/', a_b: 'https://h/'}",
    "listeners: {" + ", ".join(f"l{number}: 'https://h/'" for number in range(17)) + "}",
    "api: {keep_events: 1min}",
]


def test_without_a_word_nobody_is_told(tmp_path: Path) -> None:
    assert settings(tmp_path, ROOTS).listeners == ()


def test_listeners_are_urls_with_what_they_want(tmp_path: Path) -> None:
    found = settings(
        tmp_path,
        f"""{ROOTS}
listeners:
  app: https://app.example.org/hook?of=x
  bus: {{url: "redis://127.0.0.1:6379/1", stream: files, timeout: 30s}}
  videos: {{url: "http://[::1]:8080", events: [created, missing], files: [kind=video]}}
""",
    )

    assert found.listeners == (
        ListenerSettings("app", "https://app.example.org/hook?of=x"),
        ListenerSettings("bus", "redis://127.0.0.1:6379/1", stream="files", timeout=30.0),
        ListenerSettings(
            "videos", "http://[::1]:8080", events=("created", "missing"), files=("kind=video",)
        ),
    )


def test_the_environment_names_them_too(tmp_path: Path) -> None:
    found = settings(
        tmp_path,
        f"{ROOTS}listeners: {{app: 'https://a.example/'}}",
        {
            "STOREWARDEN_LISTENERS_APP_EVENTS": "created, renamed",
            "STOREWARDEN_LISTENERS_BUS_URL": "redis://h",
        },
    )

    assert found.listeners == (
        ListenerSettings("app", "https://a.example/", events=("created", "renamed")),
        ListenerSettings("bus", "redis://h"),
    )


def test_what_is_wrong_is_told(tmp_path: Path, golden: Golden) -> None:
    told = ""
    for text in WRONG:
        lines = problems(tmp_path, f"roots: {{a: /a}}\nstate: /s\n{text}\n")
        assert "hunter2" not in "".join(lines)
        told += "\n    ".join([repr(text), *lines]) + "\n"

    golden("config-errors/listeners.txt", told)


def test_a_reload_applies_them_and_says_what_differs(tmp_path: Path) -> None:
    old = settings(tmp_path, f"{ROOTS}listeners: {{app: 'https://a/', gone: 'https://b/'}}\n")
    new = settings(
        tmp_path, f"{ROOTS}listeners: {{app: {{url: 'https://a/', events: [created]}}}}\n"
    )

    differences = changed(old, new)

    assert [str(one) for one in differences] == [
        "listeners.app: url: https://a/ -> url: https://a/, events: [created]",
        "listeners.gone: removed",
    ]
    assert {one.live for one in differences} == {True}


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        ("https://a.example/", True),
        ({"url": "redis://h/0", "stream": "x"}, True),
        ({"url": "https://h/", "events": ["created"], "files": ["kind=video"]}, True),
        ({"url": "https://h/", "events": ["createt"]}, False),
        ({"url": "https://me:hunter2@h/"}, False),
        ({"events": ["created"]}, False),
        ({}, False),
    ],
)
def test_editors_are_told_the_form(value: Any, fits: bool) -> None:  # noqa: FBT001  # a table of cases
    import jsonschema

    document = {"roots": {"a": "/a"}, "listeners": {"app": value}}
    judge = jsonschema.Draft7Validator(json_schema())

    assert judge.is_valid(json.loads(json.dumps(document))) is fits


def test_the_kinds_of_events_are_those_that_there_are() -> None:
    assert set(schema.EVENTS) == set(words.EVENTS)
