"""Files with texts for tests of the search, and a plain model of what it shall answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.entry import BORDER, entry
from storewarden.catalogue.query import FIELDS, TOLD
from storewarden.catalogue.ranking import Found, ranked, score
from storewarden.catalogue.tokens import tokens
from storewarden.catalogue.words import Words
from tests.catalogues import COLUMNS, file_row

PROMPT = ("file_id", "tool", "understood", "prompt", "negative", "model")


@dataclass(frozen=True)
class Doc:
    """A file, what it says of itself, and what sidecars say of it, by role."""

    name: str
    prompt: str | None = None
    negative: str | None = None
    model: str | None = None
    transcript: str | None = None
    beside: tuple[tuple[str, str], ...] = ()
    width: int | None = None

    @property
    def texts(self) -> dict[str, list[str]]:
        told = {"path": [self.name], "transcript": [], "summary": []}
        for name in ("prompt", "negative", "model"):
            text = getattr(self, name)
            told[name] = [text] if text else []
        if self.transcript is not None:
            told["transcript"].append(self.transcript)
        for role, text in self.beside:
            told["summary" if role == "summary" else "transcript"].append(text)
        return told


@dataclass
class Corpus:
    """Docs in a catalogue; the first is the oldest."""

    docs: Sequence[Doc]
    ids: dict[int, Doc] = field(default_factory=dict)
    last: int = 0

    @property
    def large(self) -> dict[int, Doc]:
        return {n: doc for n, doc in self.ids.items() if doc.width and doc.width >= 512}

    def fill(self, engine: Engine) -> None:
        """Put all into the catalogue, in the place of what was there."""
        self.ids.clear()
        sidecars: list[tuple[int, int, str, str]] = []
        last = len(self.docs)
        for number, doc in enumerate(self.docs, 1):
            self.ids[number] = doc
            for role, text in doc.beside:
                last += 1
                sidecars.append((last, number, role, text))
        with engine.transaction():
            engine.execute("DELETE FROM files")
            rows = [(file, *file_row(doc.name.encode())) for file, doc in self.ids.items()]
            rows += [(file, *file_row(b"-%d" % file)) for file, *_ in sidecars]
            engine.insert("files", ("id", *COLUMNS), rows)
            engine.insert("prompts", PROMPT, self._prompts())
            engine.insert("facts", ("file_id", *_FACTS), self._facts())
            told = [
                (file, "transcript", doc.transcript)
                for file, doc in self.ids.items()
                if doc.transcript is not None
            ]
            told += [(file, role, text) for file, _, role, text in sidecars]
            engine.insert("transcripts", ("file_id", "role", "text"), told)
            engine.insert(
                "sidecars",
                ("file_id", "of_id", "role"),
                [(file, of, "transcript") for file, of, _, _ in sidecars],
            )
            Words(engine).index(range(1, last + 1))
        self.last = last

    def _prompts(self) -> list[tuple[object, ...]]:
        return [
            (file, "comfyui", 1, doc.prompt, doc.negative, doc.model)
            for file, doc in self.ids.items()
            if doc.prompt or doc.negative or doc.model
        ]

    def _facts(self) -> list[tuple[object, ...]]:
        return [
            (file, "png", 1, "read", "", "image/png", doc.width) for file, doc in self.ids.items()
        ]


_FACTS = ("inspector", "version", "outcome", "reason", "mime", "width")


# -- the model ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """A part of a query, as a test puts it together; ``text`` is what a person writes."""

    text: str
    where: str | None = None
    phrase: bool = False
    prefix: bool = False
    excluded: bool = False

    def __str__(self) -> str:
        body = f'"{self.text}"' if self.phrase else self.text
        return (
            f"{'-' * self.excluded}{f'{self.where}:' if self.where else ''}"
            f"{body}{'*' * self.prefix}"
        )


@dataclass(frozen=True)
class Bounds:
    """How far the search looks."""

    limit: int = 20
    candidates: int = 500
    recent: int = 1000


def expected(
    docs: dict[int, Doc], asked: Sequence[Asked], bounds: Bounds, last: int
) -> tuple[list[tuple[int, int]], bool]:
    """Return the numbers of the files that answer with their scores, and whether there are more.

    ``last`` is the newest number that there is.
    """
    limit, most = bounds.limit, max(bounds.candidates, bounds.limit + 1)
    wanted = [each for each in asked if not each.excluded]
    free = [each for each in wanted if each.where is None]
    whole = None
    if len(free) > 1 and not any(each.prefix for each in free[:-1]):
        whole = Asked(" ".join(each.text for each in free), None, True, free[-1].prefix)
    fields = {number: entry(doc.texts) for number, doc in docs.items()}
    out = {
        number
        for number, told in fields.items()
        if any(any(_counts(each, told, TOLD)) for each in asked if each.excluded)
    }
    found: dict[int, Found] = {}
    looks = [(whole, TOLD)] * bool(whole) + [(None, TOLD), (None, FIELDS)]
    for together, everywhere in looks:
        if everywhere == FIELDS and len(found) > limit:
            break
        newest = []
        for number in sorted(fields.keys() - out, reverse=True):
            told = fields[number]
            counts = tuple(_counts(each, told, everywhere) for each in wanted)
            side_by_side = _counts(together, told, TOLD) if together else None
            if side_by_side is not None and (
                number <= last - bounds.recent or not any(side_by_side)
            ):
                continue
            if all(map(any, counts)):
                newest.append(Found(number, counts, side_by_side))
        for each in newest[:most]:
            found.setdefault(each.id, each)
    best = ranked(list(found.values()))
    return [(each.id, score(each)) for each in best[:limit]], len(best) > limit


def _counts(
    asked: Asked, told: dict[str, list[str]], everywhere: tuple[str, ...]
) -> tuple[int, ...]:
    fields = (asked.where,) if asked.where else everywhere
    return tuple(
        min(4, _count(asked, told.get(name, []))) if name in fields else 0 for name in FIELDS
    )


def _count(asked: Asked, words: list[str]) -> int:
    """Count by a regular expression over the words, which is no way that the catalogue goes."""
    looked = [re.escape(word) for word in tokens(asked.text)]
    end = r"[^\s]*" if asked.prefix else ""
    text = f" {' '.join(words)} "
    return len(re.findall(rf"(?= {' '.join(looked)}{end} )", text))


assert BORDER not in tokens(BORDER)
