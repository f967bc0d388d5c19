"""From the tree to Settings: which keys there are, what each holds, what is missing."""

from __future__ import annotations

import re
from collections.abc import Mapping as Environ
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from storewarden.config import schema
from storewarden.config.databases import read_databases
from storewarden.config.keys import (
    CATALOGUE,
    CURRENCY,
    GROUPS,
    NAME,
    NAME_RULE,
    POLICIES,
    ROOT_KEYS,
    ROOT_PATH,
    STATE,
    TOP,
    WATCH_SHARE,
)
from storewarden.config.listeners import read_listeners
from storewarden.config.problems import FILE, Origin, Place, Problems, joined, shown
from storewarden.config.schema import (
    ApiSettings,
    DatabaseSettings,
    HealthSettings,
    HttpSettings,
    LogSettings,
    RootSettings,
    Settings,
    StoreSettings,
)
from storewarden.config.sheet import Sheet
from storewarden.config.stores import read_stores
from storewarden.config.tables import read_tables
from storewarden.config.values import Reader
from storewarden.config.yamltext import MERGE, Entry, Mapping, Scalar

BUILT_IN = "the built-in defaults"
_NAME = re.compile(NAME)


@dataclass(slots=True)
class Built:
    """The settings, as far as they could be read, and where each value stands."""

    settings: Settings | None = None
    state: Path | None = None
    catalogue: str = "sqlite"
    roots: tuple[RootSettings, ...] = ()
    stores: tuple[StoreSettings, ...] = ()
    databases: tuple[DatabaseSettings, ...] = ()
    places: dict[str, Place] = field(default_factory=dict)
    wrong: set[str] = field(default_factory=set)  # keys whose value could not be read


def build(tree: Mapping, environ: Environ[str, str], problems: Problems, source: str) -> Built:
    """Turn the tree into Settings; ``problems`` hears of everything that is wrong in it."""
    return _Builder(environ, problems).build(tree, source)


class _Builder:
    def __init__(self, environ: Environ[str, str], problems: Problems) -> None:
        self._environ, self._problems = environ, problems
        self._sheet = Sheet(problems, Reader(problems, environ))
        self._built = Built(places=self._sheet.places, wrong=self._sheet.wrong)
        self._places = self._built.places

    def build(self, tree: Mapping, source: str) -> Built:
        self._sheet.refuse_unknown(tree, "", TOP)
        built = self._built
        built.state = self._state(tree)
        built.catalogue = self._sheet.single(tree, CATALOGUE) or built.catalogue
        built.roots = self._roots(tree)
        http = HttpSettings(**self._group(tree, "http"))
        api = self._api(tree, built.state)
        log = LogSettings(**self._group(tree, "log"))
        points = self._group(tree, "health")
        profile = points.pop("profile", schema.HEALTH_PROFILES[0])
        health = HealthSettings(profile, tuple(points.items()))
        share = self._sheet.single(tree, WATCH_SHARE) or schema.WATCH_SHARE
        policies = self._sheet.single(tree, POLICIES)
        built.stores = read_stores(self._sheet, tree)
        currency = self._sheet.single(tree, CURRENCY) or schema.CURRENCY
        built.databases = read_databases(self._sheet, tree)
        tables = read_tables(self._sheet, tree, built.databases)
        listeners = read_listeners(self._sheet, tree)
        if built.state is not None:
            built.settings = Settings(
                state=built.state,
                catalogue=built.catalogue,
                roots=built.roots,
                http=http,
                watch_share=share,
                log=log,
                policies=schema.POLICIES if policies is None else policies,
                stores=built.stores,
                currency=currency,
                databases=built.databases,
                tables=tables,
                health=health,
                api=api,
                listeners=listeners,
                source=source,
            )
        return built

    def _group(self, tree: Mapping, name: str) -> dict[str, Any]:
        """Return what is set of http, api, log or health."""
        entry = tree.entries.get(name)
        if entry is None:
            return {}
        keys = GROUPS[name]
        group = self._sheet.mapping(
            entry.node, name, f"{name}: {{{keys[0].name}: {keys[0].example}}}"
        )
        if group is None:
            return {}
        self._sheet.refuse_unknown(group, name, tuple(key.name for key in keys))
        values = {key.name: self._sheet.single(group, key, name) for key in keys}
        return {key: value for key, value in values.items() if value is not None}

    def _api(self, tree: Mapping, state: Path | None) -> ApiSettings:
        """Return how applications reach the daemon; without a word it is by the state directory."""
        group = self._group(tree, "api")
        given: bytes | None = group.pop("socket", None)
        if given is not None:
            return ApiSettings(socket=_path(given) if given else None, **group)
        return ApiSettings(socket=None if state is None else state / schema.API_SOCKET, **group)

    def _state(self, tree: Mapping) -> Path | None:
        """Return the state directory: the key, else what systemd gives, else one below home."""
        if STATE.name in tree.entries:
            path: bytes | None = self._sheet.single(tree, STATE)
            return None if path is None else _path(path)
        place = Place(Origin("$STATE_DIRECTORY", Path("/")))
        given = self._environ.get("STATE_DIRECTORY", "").split(":")[0]
        if not given:
            place = Place(Origin(BUILT_IN, Path("/")))
            given = "~/.local/state/storewarden"
        elif not given.startswith("/"):
            self._problems.add(place, STATE.name, f"{shown(given)} is not absolute", "set state")
            return None
        self._places[STATE.name] = place
        default: bytes | None = self._sheet.reader.value(STATE, Scalar(place, given), STATE.name)
        return None if default is None else _path(default)

    def _roots(self, tree: Mapping) -> tuple[RootSettings, ...]:
        entry = tree.entries.get("roots")
        if entry is None:
            hint = "name at least one directory, as in roots: {uploads: ./uploads}"
            self._problems.add(tree.place, "roots", "is missing", hint)
            return ()
        roots = self._sheet.mapping(entry.node, "roots", "roots: {uploads: ./uploads}")
        if roots is None:
            return ()
        self._refuse_alike(roots)
        read = [self._root(name, root) for name, root in roots.entries.items()]
        return tuple(root for root in read if root is not None)

    def _refuse_alike(self, roots: Mapping) -> None:
        """Refuse names that the environment could not tell apart."""
        first: dict[str, str] = {}
        for name, entry in roots.entries.items():
            other = first.setdefault(name.replace("-", "_"), name)
            if other != name:
                what = f"differs from {other} by - and _ only"
                self._problems.add(entry.place, joined("roots", name), what, "rename one of them")

    def _root(self, name: str, entry: Entry) -> RootSettings | None:
        """Return one root, as far as it can be read; without a path there is none."""
        where = joined("roots", name)
        self._places[where] = entry.place
        if not _NAME.fullmatch(name):
            self._problems.add(entry.place, where, f"{shown(name)} is no name", NAME_RULE)
        node = entry.node
        if isinstance(node, Scalar) and not node.nothing:
            node = Mapping(node.place, {ROOT_PATH.name: Entry(node.place, node)})
        mapping = self._sheet.mapping(node, where, f"{name}: {ROOT_PATH.example}")
        if mapping is None:
            return None
        known = tuple(key.name for key in ROOT_KEYS)
        self._sheet.refuse_unknown(mapping, where, known)
        values = {key.name: self._sheet.single(mapping, key, where) for key in ROOT_KEYS}
        if mapping.entries and not {ROOT_PATH.name, MERGE} & set(mapping.entries):
            hint = f"write path: {ROOT_PATH.example}"
            self._problems.add(entry.place, f"{where}.path", "is missing", hint)
        if values[ROOT_PATH.name] is None:
            return None
        given = {key: value for key, value in values.items() if value is not None}
        return RootSettings(name=name, create=self._is_built_in(f"{where}.path"), **given)

    def _is_built_in(self, path: str) -> bool:
        place = self._places[path]
        return place.origin.name == BUILT_IN and place.origin.rank == FILE


def _path(path: bytes) -> Path:
    return Path(path.decode("utf-8", "surrogateescape"))
