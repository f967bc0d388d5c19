"""Routes are found, refused with what there is, and described as they are."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import jsonschema
import pytest

from storewarden.api.checked import Wrong, read
from storewarden.api.deeds import DEEDS, TellFile
from storewarden.api.http import problems, taking
from storewarden.api.http.asked import FilesAsked, WhyAsked
from storewarden.api.http.interface import ROUTES
from storewarden.api.http.message import Malformed, Request
from storewarden.api.http.openapi import document
from storewarden.api.http.problems import KINDS, Problem
from storewarden.api.http.routes import NoMethod, Router
from storewarden.api.http.telling import NAMED, read_deeds
from storewarden.errors import (
    CatalogueBusy,
    CatalogueCorrupt,
    CatalogueRefused,
    LeaseLost,
    NotAllowed,
    NotKnown,
    NotThere,
    PermanentError,
    PolicyError,
    QuotaExceeded,
    UsageError,
)

ROUTER = Router(ROUTES)
DOCUMENT = document(ROUTES)


@pytest.mark.parametrize(
    ("method", "path", "name", "names"),
    [
        ("GET", "/api/v1", "index", {}),
        ("GET", "/api/v1/", "index", {}),
        ("HEAD", "/api/v1/files", "files", {}),
        ("PUT", "/api/v1/workflows/a%2Fb%20c", "tell_workflow", {"workflow": "a/b c"}),
        ("GET", "/api/v1/files/%2Fdata%2F%FF.png", "file", {"file": "/data/\udcff.png"}),
        ("GET", "/api/v1/users/me", "me", {}),
        ("GET", "/api/v1/users/you", "user", {"user": "you"}),
        ("GET", "/api/v1/files/1/why", "why", {"file": "1"}),
    ],
)
def test_a_request_finds_its_route(
    method: str, path: str, name: str, names: dict[str, str]
) -> None:
    route, chosen = ROUTER.find(method, path)

    assert (route.name, chosen) == (name, names)


@pytest.mark.parametrize(
    "path", ["/", "/api", "/api/v2/", "/api/v1/x", "/api/v1//files", "/api/v1x"]
)
def test_what_is_not_there_is_not_there(path: str) -> None:
    with pytest.raises(Problem) as refused:
        ROUTER.find("GET", path)
    assert refused.value.kind is problems.NOT_THERE


def test_another_method_is_told_which_there_are() -> None:
    with pytest.raises(NoMethod) as refused:
        ROUTER.find("DELETE", "/api/v1/files")
    assert refused.value.allowed == "GET, HEAD, POST"


def test_queries_are_read_as_what_they_are_for() -> None:
    asked = taking.query(FilesAsked, "term=kind%3Dimage&term=a+b&limit=5")

    assert asked == FilesAsked(term=("kind=image", "a b"), limit=5)
    assert taking.query(WhyAsked, "not=trash") == WhyAsked(not_="trash")
    for wrong in ("limit=x", "limit=5&limit=6", "limit=%DF", "colour=red", "limit=", "a=b&" * 300):
        with pytest.raises(Wrong):
            taking.query(FilesAsked, wrong)


@pytest.mark.parametrize(
    ("said", "pointers"),
    [
        ([], ["/deeds"]),
        ({"deeds": 7}, ["/deeds"]),
        ({"deeds": [], "more": 1}, ["/more", "/deeds"]),
        ({"deeds": [7, {}, {"deed": 1}]}, ["/deeds/0", "/deeds/1/deed", "/deeds/2/deed"]),
        (
            {"deeds": [{"deed": "file"}, {"deed": "pin", "path": 7}]},
            ["/deeds/0/path", "/deeds/1/path"],
        ),
    ],
)
def test_of_several_deeds_everything_wrong_is_told(said: Any, pointers: list[str]) -> None:
    with pytest.raises(Wrong) as refused:
        read_deeds(said)
    assert [one.pointer for one in refused.value.problems] == pointers


def test_every_kind_of_deed_has_a_name() -> None:
    assert set(NAMED.values()) == set(DEEDS)
    deeds = read_deeds({"deeds": [{"deed": "file", "path": "a/b"}]})
    assert deeds == [TellFile(path="a/b")]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotKnown("x"), 401),
        (NotAllowed("x"), 403),
        (QuotaExceeded("x"), 403),
        (NotThere("x"), 404),
        (CatalogueRefused("x"), 409),
        (PolicyError(("x",)), 409),
        (PermanentError("x"), 409),
        (UsageError("x"), 422),
        (CatalogueBusy("x"), 503),
        (CatalogueCorrupt("x"), 503),
        (LeaseLost("x"), 503),
    ],
)
def test_an_error_has_a_status_and_is_told_as_a_problem(error: Any, status: int) -> None:
    answer = problems.told(error)
    said = json.loads(answer.body)

    assert answer.status == said["status"] == status
    assert ("Retry-After" in answer.headers) == (status == 503)
    assert said["type"].removeprefix("/api/v1/#") in {kind.name for kind in KINDS}
    jsonschema.validate(said, DOCUMENT["components"]["schemas"]["Problem"])


def test_a_problem_holds_no_secret_and_nothing_that_acts_on_a_terminal() -> None:
    secret = "sw_abcdefgh2345_" + "x" * 43
    body = problems.told(UsageError(f"a\x1b[2J\udcff {secret}", why="password=hunter2")).body

    assert b"x" * 43 not in body
    assert b"hunter2" not in body
    assert "\\\\x1b" in body.decode()


def test_a_body_must_be_json() -> None:
    json_type = {"content-type": 'Application/JSON; charset="UTF-8"'}

    assert taking.body(Request("POST", "/", json_type, b'{"a": 1}')) == {"a": 1}
    for wrong in (b"", b"\xff", b"{", b"NaN", b"[" * 99_999):
        with pytest.raises(Problem):
            taking.body(Request("POST", "/", json_type, wrong))
    with pytest.raises(Problem):
        taking.body(Request("POST", "/", {"content-type": "application/json; charset=latin-1"}))


def test_what_is_no_request_is_told_as_a_problem() -> None:
    for status in (400, 408, 413, 431):
        assert problems.malformed(Malformed(status, "x")).status == status


# -- the document --------------------------------------------------------------------------------


def test_the_document_is_one_of_openapi() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    assert len({route.name for route in ROUTES}) == len(ROUTES)
    for name, schema in DOCUMENT["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["description"], name


def test_every_reference_in_it_leads_somewhere() -> None:
    references = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(DOCUMENT)))

    assert references == DOCUMENT["components"]["schemas"].keys() & references
    assert references == set(DOCUMENT["components"]["schemas"])


@pytest.mark.parametrize("kind", DEEDS, ids=lambda kind: kind.__name__)
def test_what_is_checked_is_what_is_documented(kind: Any) -> None:
    """Every field of a deed has its bounds in the document, and no other field is there."""
    whole = next(
        one
        for one in DOCUMENT["paths"]["/deeds"]["post"]["requestBody"]["content"][
            "application/json"
        ]["schema"]["properties"]["deeds"]["items"]["oneOf"]
        if NAMED[one["properties"]["deed"]["const"]] is kind
    )
    names = [field.name for field in dataclasses.fields(kind)]
    assert list(whole["properties"]) == ["deed", *names]
    for name in whole["required"][1:]:
        given = {one: "a" for one in whole["required"][1:] if one != name}
        with pytest.raises(Wrong) as refused:
            read(kind, given)
        assert f"/{name}" in [one.pointer for one in refused.value.problems]


def test_whatever_needs_a_token_says_so() -> None:
    for route in ROUTES:
        operation = DOCUMENT["paths"][route.path][route.method.lower()]
        assert bool(operation["security"]) == (route.scope is not None)
        assert ("401" in operation["responses"]) == (route.scope is not None)
