"""Users with private and public things of every kind, and everything that can be asked about them.

Each private thing bears words of its own, so that an answer in which one stands is seen to tell of
it. What can be asked is read from the document that the interface serves: a request that is added
there is asked, too, and one whose parts nobody here knows how to fill fails the test.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.asking import Api
from tests.daemon import Daemon

WORD = re.compile(r"hidden([a-z]+?)q\d+q")
MISSING = "hiddennobodyq0q"
MISSING_ID = "777777"
OPEN = "opened"
OK = 200
SOME = 11  # so that each field of somebody's is among the words that are looked for
_LISTENED = 0.4  # seconds without a word, after which a stream has told all

_numbers = itertools.count(1)


def word(owner: str) -> str:
    """Return a word that stands in one private thing of an owner's and nowhere else."""
    return f"hidden{owner}q{next(_numbers)}q"


class Answer(NamedTuple):
    """What was answered, as far as it tells anything."""

    status: int
    body: str

    def words(self) -> set[str]:
        return {found.group() for found in WORD.finditer(self.body)}


class Question(NamedTuple):
    """One request."""

    method: str
    path: str
    body: Any = None
    stream: bool = False

    def words(self) -> set[str]:
        """Return the words that who asks knows already."""
        return {found.group() for found in WORD.finditer(f"{self.path} {json.dumps(self.body)}")}

    def of_what_is_missing(self) -> Question:
        """Return the same question about what is not there."""
        said = None if self.body is None else json.loads(WORD.sub(MISSING, json.dumps(self.body)))
        return Question(self.method, WORD.sub(MISSING, self.path), said, self.stream)


def ask(api: Api, question: Question) -> Answer:
    """Ask, and hear a stream for as long as it has something to tell."""
    if not question.stream:
        told = api(question.method, question.path, question.body)
        return Answer(told.status, told.body.decode())
    api.close()
    headers = {"Authorization": f"Bearer {api.token}"} if api.token else {}
    api.connection.connect()
    line: socket.socket = api.connection.sock
    api.connection.request("GET", f"/api/v1{question.path}", headers=headers)
    answer = api.connection.getresponse()
    heard = b""
    if answer.status == OK:
        line.settimeout(_LISTENED)
    with contextlib.suppress(TimeoutError):
        while piece := answer.read1(65536):
            heard += piece
    answer.close()
    api.close()
    return Answer(answer.status, heard.decode())


def plain(answer: Answer) -> Answer:
    """Return an answer without the words that a question brought along."""
    return Answer(answer.status, WORD.sub(MISSING, answer.body))


def timeless(answer: Answer) -> Answer:
    """Return an answer without what is another one each time: when it was given, and cursors."""
    body = re.sub(r'^\{"at":"[^"]*"', '{"at":""', answer.body)
    return Answer(answer.status, re.sub(r"(?m)^id:.*$", "id:", body))


def difference(one: str, other: str) -> tuple[str, ...]:
    """Return where two texts begin to differ, with what stands around it."""
    if one == other:
        return ()
    same = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    at = min(len(one), len(other)) if same is None else same
    return tuple(text[max(0, at - 200) : at + 200] for text in (one, other))


# -- what there is --------------------------------------------------------------------------------


@dataclass
class World:
    """A daemon, its users, and the names of everything that was told."""

    daemon: Daemon
    tokens: dict[str, str] = field(default_factory=dict)
    flows: list[str] = field(default_factory=list)
    scenes: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    providers: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)  # words to look for
    private_flows: list[str] = field(default_factory=list)  # whose names are no secret
    before: dict[Question, Answer] = field(default_factory=dict)  # of who has nothing

    def api(self, who: str) -> Api:
        """Return a connection on which somebody speaks; the machine needs no token."""
        return Api(self.daemon.state / "api.sock", self.tokens.get(who, ""))

    def user(self, name: str, scopes: str = "read,write") -> None:
        assert self.daemon.verb("user", "add", name).returncode == 0
        made = self.daemon.verb("user", "token", name, "--scope", scopes, "--json")
        self.tokens[name] = str(json.loads(made.stdout)["token"])

    def picture(self, name: str, prompt: str) -> str:
        """Make a picture that says how it was made, and wait until it is looked into."""
        about = PngInfo()
        about.add_text(
            "parameters", f"{prompt}\nSteps: 20, Sampler: Euler, Seed: 1, Model: {prompt}"
        )
        Image.new("RGB", (8, 8), "navy").save(
            f"{self.daemon.root().decode()}/{name}", pnginfo=about
        )
        with self.api("machine") as machine:
            self.daemon.until(
                lambda: (
                    machine.file(f"out/{name}").status == 200
                    and machine.file(f"out/{name}").json["inspected"]
                ),
                "the picture was looked into",
            )
        return f"out/{name}"

    def tell_everything(self, who: str, *, public: bool) -> None:
        """Have somebody tell of one thing of each kind, with words of its own in each field."""

        def some() -> str:
            made = f"{OPEN}{next(_numbers)}" if public else word(who)
            self.said.append(made)
            return made

        flow, scene, provider = some(), some(), some()
        path = self.picture(f"{some()}.png", some())
        later = f"out/{some()}.png"
        with self.api(who) as api:
            for method, where, body in (
                ("PUT", f"/workflows/{flow}", self._flow(some, public=public)),
                ("PUT", f"/workflows/{flow}/scenes/{scene}", {"prompt": some(), "image": path}),
                (
                    *("POST", "/files"),
                    {
                        "path": path,
                        "workflow": flow,
                        "scene": scene,
                        "title": some(),
                        "file_type": some(),
                        "tags": [some()],
                        "rating": 4.5,
                        "metadata": {some(): some()},
                        "public": public,
                    },
                ),
                ("POST", "/files", {"path": later, "title": some(), "public": public}),
                ("POST", "/texts", {"path": path, "text": f"they said {some()} at dusk"}),
                (
                    *("POST", "/texts"),
                    {"path": path, "text": f"a summary {some()}", "role": "summary"},
                ),
                (
                    *("POST", "/chats"),
                    {
                        "path": path,
                        "question": some(),
                        "answer": some(),
                        "model": some(),
                        "more": {some(): some()},
                        "key": some(),
                    },
                ),
                (
                    *("POST", "/usage"),
                    {
                        "provider": provider,
                        "model": some(),
                        "operation": some(),
                        "cost": "0.25",
                        "error": some(),
                        "key": some(),
                        "path": path,
                        "workflow": flow,
                        "scene": scene,
                        "duration": 0.5,
                        "tokens_in": 7,
                    },
                ),
                ("POST", "/pins", {"path": path}),
            ):
                told = api(method, where, body)
                assert told.status in {200, 201}, (who, method, where, told)
        self.flows.append(flow)
        self.scenes.append(scene)
        self.paths += [path, later]
        self.providers.append(provider)

    @staticmethod
    def _flow(some: Any, *, public: bool) -> dict[str, Any]:
        return {
            "title": some(),
            "original_prompt": some(),
            "enhanced_story": some(),
            "phases": [{"name": some(), "detail": some()}],
            "phase": some(),
            "more": {some(): some()},
            "public": public,
            "status": "running",
        }

    def mix(self, who: str) -> None:
        """Have somebody tell of a public file in a private workflow, and of the opposite.

        A public file is shown with the names of its workflow and scene; of them nothing more is.
        """
        shown, hidden = f"{OPEN}{next(_numbers)}", word(who)
        public, private = self.picture(f"{shown}.png", shown), self.picture(f"{hidden}.png", hidden)
        with self.api(who) as api:
            for path, is_public in ((public, True), (private, False)):
                flow, scene = f"{OPEN}{next(_numbers)}", f"{OPEN}{next(_numbers)}"
                about: dict[str, Any] = {"public": not is_public}
                part: dict[str, Any] = {"image": path}
                if is_public:
                    about["title"] = part["description"] = word(who)
                    self.private_flows.append(flow)
                said = {"path": path, "workflow": flow, "scene": scene, "public": is_public}
                cost = {"provider": word(who), "workflow": flow, "path": path, "cost": "1"}
                for method, where, body in (
                    ("PUT", f"/workflows/{flow}", about),
                    ("PUT", f"/workflows/{flow}/scenes/{scene}", part),
                    ("POST", "/files", said),
                    ("POST", "/usage", cost),
                ):
                    assert api(method, where, body).status in {200, 201}
                self.flows.append(flow)
                self.scenes.append(scene)
                self.paths.append(path)

    def files(self) -> int:
        """Return how many files were recorded."""
        with self.api("machine") as machine:
            return len(machine("GET", "/files?limit=1000&term=state%3Dany").json["files"])


# -- what can be asked ----------------------------------------------------------------------------


class Interface:
    """The requests of the served document, filled with all that there is."""

    def __init__(self, world: World) -> None:
        self._world = world
        with world.api("machine") as api:
            self.document: Mapping[str, Any] = api("GET", "/openapi.json").json

    def operations(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """Yield every request that there is: method, path, and what the document says of it."""
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                yield method.upper(), path, operation

    def questions(self) -> Iterator[Question]:
        """Yield all that asks for something."""
        for method, path, operation in self.operations():
            if method != "GET":
                continue
            stream = "text/event-stream" in json.dumps(operation["responses"].get("200", {}))
            for whole in self._paths(path):
                for query in self._queries(operation, stream=stream):
                    asked = f"?{urlencode(query, doseq=True)}" if query else ""
                    yield Question("GET", f"{whole}{asked}", stream=stream)

    def sayings(self) -> Iterator[Question]:
        """Yield all that says something, about everything that there is, the least of each."""
        for method, path, operation in self.operations():
            if method == "GET":
                continue
            for whole in self._paths(path):
                for body in self._bodies(operation):
                    yield Question(method, whole, body)

    def _paths(self, path: str) -> Iterator[str]:
        names = re.findall(r"\{(\w+)\}", path)
        for values in itertools.product(*(self._of_path(name) for name in names)):
            whole = path
            for name, value in zip(names, values, strict=True):
                whole = whole.replace(f"{{{name}}}", quote(value, safe=""))
            yield whole

    def _of_path(self, name: str) -> list[str]:
        world = self._world
        known: dict[str, list[str]] = {
            "workflow": [*world.flows, MISSING],
            "scene": [*world.scenes, MISSING],
            "file": [*world.paths, *map(str, range(1, world.files() + 2)), f"out/{MISSING}.png"],
            "user": [*world.tokens, "nobody"],
            "token": ["abcdefghijkl"],
            "restore": ["1", "2"],
        }
        assert name in known, f"say in tests/everyone.py what {name} in a path may be"
        return known[name]

    def _queries(self, operation: Mapping[str, Any], *, stream: bool) -> Iterator[dict[str, Any]]:
        needed: dict[str, Any] = {}
        asked: list[tuple[str, list[Any]]] = []
        for one in operation.get("parameters", ()):
            if one["in"] != "query":
                continue
            values = one["schema"].get("enum") or self._of_query(one["name"])
            if one["required"]:
                needed[one["name"]] = values[0]
            asked.append((one["name"], values))
        if stream:
            needed["last_event_id"] = "start"
        yield needed
        for name, values in asked:
            for value in values if not stream else values[:1] if name == "term" else ():
                yield needed | {name: value}

    def _of_query(self, name: str) -> list[Any]:
        world = self._world
        some = world.said[::SOME]
        terms = [f"workflow={one}" for one in [*world.flows, MISSING]]
        terms += [f"{term}={one}" for term in ("name", "tag", "scene") for one in some]
        known: dict[str, list[Any]] = {
            "term": [[one] for one in (*terms, "owner=ada", "kind=image", "state=any")],
            "q": [*some, MISSING, "dusk", "summary", "png"],
            "since": ["2020-01-01T00:00:00Z"],
            "provider": [*world.providers, MISSING],
            "workflow": [*world.flows, MISSING],
            "limit": [1, 1000],
            "after": [],
            "not": ["trash"],
            "event": [["created"], ["told"]],
            "last_event_id": ["start"],
        }
        assert name in known, f"say in tests/everyone.py what ?{name}= may be"
        return known[name]

    def _bodies(self, operation: Mapping[str, Any]) -> Iterator[Any]:
        if "requestBody" not in operation:
            yield None
            return
        schema = self._whole(operation["requestBody"]["content"]["application/json"]["schema"])
        if "deeds" in schema.get("properties", {}):
            for deed in schema["properties"]["deeds"]["items"]["oneOf"]:
                for body in self._filled(deed):
                    yield {"deeds": [body]}
            return
        yield from self._filled(schema)

    def _filled(self, schema: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the least that a schema takes, with each name of a thing that it may hold."""
        properties = schema.get("properties", {})
        least = {
            name: properties[name].get("const") or self._least(name)
            for name in schema.get("required", ())
        }
        yield least
        for name in ("path", "workflow", "image"):
            for value in self._things(name) if name in properties else ():
                yield least | {name: value}

    def _things(self, name: str) -> list[str]:
        if name == "workflow":
            return [*self._world.flows, MISSING]
        return [*self._world.paths, f"out/{MISSING}.png"]

    def _least(self, name: str) -> Any:
        known: dict[str, Any] = {
            "path": f"out/{MISSING}.png",
            "workflow": MISSING,
            "scene": MISSING,
            "text": "a text",
            "question": "why?",
            "answer": "so",
            "provider": "somebody",
            "name": "ada",
            "disabled": True,
        }
        assert name in known, f"say in tests/everyone.py what {name} in a body may be"
        return known[name]

    def _whole(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return schema
