"""What no value can be blamed for alone: roots and our own files that lie in each other."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from storewarden.config.addresses import reached_from_outside
from storewarden.config.build import Built
from storewarden.config.problems import Place, Problems, joined, printable
from storewarden.config.schema import DatabaseSettings, RootSettings, StoreSettings
from storewarden.config.secret import redacted
from storewarden.units import write_duration


def check(built: Built, problems: Problems) -> None:
    """Say what does not fit together; paths are compared as text, links are not followed."""
    for root in built.roots:
        _settle_below_cap(root, built, problems)
        _apart_from_ours(root, built, problems)
        _usage_needs_events(root, built, problems)
        _apart_from_stores(root, built, problems)
    _guarded(built, problems)
    _two_sockets(built, problems)
    for number, store in enumerate(built.stores):
        _one_store(store, built.stores[:number], built.places, problems)
    for number, database in enumerate(built.databases):
        _one_database(database, built.databases[:number], built, problems)
    for number, root in enumerate(built.roots):
        for other in built.roots[:number]:
            _apart(root, other, built.places, problems)


def _guarded(built: Built, problems: Problems) -> None:
    """Refuse an address that other machines reach without TLS and a password."""
    http = built.settings and built.settings.http
    if http and http.web_config is None and reached_from_outside(http.listen):
        what = f"{http.listen.host} can be reached from other machines"
        hint = "name http.web_config, with TLS and a password, or write 127.0.0.1"
        problems.add(built.places["http.listen"], "http.listen", what, hint)


def _two_sockets(built: Built, problems: Problems) -> None:
    """Refuse one name for two sockets."""
    settings = built.settings
    if settings is None or settings.api.socket is None or settings.http.listen.socket is None:
        return
    if os.fsencode(settings.api.socket) == settings.http.listen.socket:
        key = "api.socket" if "api.socket" in built.places else "http.listen"
        what = "is the socket of http.listen and of api.socket"
        problems.add(built.places[key], key, what, "write another path for one of them")


def _usage_needs_events(root: RootSettings, built: Built, problems: Problems) -> None:
    if root.usage and root.watch == "poll":
        key = joined("roots", root.name) + ".usage"
        what = "cannot be counted without events, and watch is poll"
        problems.add(built.places[key], key, what, "write watch: auto, or usage: false")


def _settle_below_cap(root: RootSettings, built: Built, problems: Problems) -> None:
    where = joined("roots", root.name)
    if root.settle < root.settle_cap or {f"{where}.settle", f"{where}.settle_cap"} & built.wrong:
        return
    key = f"{where}.settle"
    if f"{where}.settle_cap" in built.places:
        key = f"{where}.settle_cap"
        what = f"is not longer than settle ({write_duration(root.settle)})"
        hint = "write a longer one"
    else:
        what = f"is not shorter than settle_cap ({write_duration(root.settle_cap)})"
        hint = "set a longer settle_cap as well"
    problems.add(built.places[key], key, what, hint)


def _apart_from_ours(root: RootSettings, built: Built, problems: Problems) -> None:
    """Refuse a root that holds what we write ourselves: each record would be an event."""
    where = joined("roots", root.name) + ".path"
    place = built.places[where]
    if built.state is not None:
        state = os.fsencode(built.state)
        if _inside(root.path, state):
            what = f"lies in the state directory {_text(state)}"
            problems.add(place, where, what, "keep them apart")
        elif _inside(state, root.path):
            what = f"holds the state directory {_text(state)}: each record would be an event"
            problems.add(place, where, what, "move state out of the root")
    if built.catalogue.startswith("sqlite:///"):
        database = os.fsencode(built.catalogue.removeprefix("sqlite://"))
        if _inside(database, root.path):
            what = f"holds the catalogue {_text(database)}: each record would be an event"
            problems.add(place, where, what, "move the catalogue out of the root")


def _apart_from_stores(root: RootSettings, built: Built, problems: Problems) -> None:
    """Refuse a store in a root, and a root in a store: what is put away would be seen as new."""
    for store in built.stores:
        if store.path is None or not (
            _inside(store.path, root.path) or _inside(root.path, store.path)
        ):
            continue
        where = joined("stores", store.name)
        key = f"{where}.path"
        what = f"and the root {root.name} ({_text(root.path)}) lie in each other"
        problems.add(built.places.get(key, built.places[where]), key, what, "keep them apart")


def _one_store(
    store: StoreSettings,
    before: Sequence[StoreSettings],
    places: Mapping[str, Place],
    problems: Problems,
) -> None:
    """Refuse two names for one store: a copy in each would be one copy."""
    for other in before:
        if (store.path or store.url) and (store.path, store.url, store.endpoint) == (
            other.path,
            other.url,
            other.endpoint,
        ):
            where = joined("stores", store.name)
            what = f"is the same place as {joined('stores', other.name)}"
            problems.add(places[where], where, what, "keep one of them")


def _one_database(
    database: DatabaseSettings,
    before: Sequence[DatabaseSettings],
    built: Built,
    problems: Problems,
) -> None:
    """Refuse two names for one database, and the catalogue as one of an application."""
    where = joined("databases", database.name)
    for other in before:
        if database.place == other.place:
            what = f"is the same database as {joined('databases', other.name)}"
            problems.add(built.places[where], where, what, "keep one of them")
    if database.place == _catalogue(built):
        what = "is the catalogue itself, which is looked after already"
        problems.add(built.places[where], where, what, "remove it")


def _catalogue(built: Built) -> bytes | None:
    """Return the place of the catalogue, as databases tell theirs."""
    if built.catalogue == "sqlite":
        return None if built.state is None else os.fsencode(built.state / "catalogue.db")
    if built.catalogue.startswith("sqlite:///"):
        return os.fsencode(built.catalogue.removeprefix("sqlite://"))
    return redacted(built.catalogue).encode()


def _apart(
    root: RootSettings, other: RootSettings, places: Mapping[str, Place], problems: Problems
) -> None:
    """Refuse two roots that would know the same file twice."""
    where = joined("roots", root.name) + ".path"
    if root.path == other.path:
        what = f"is the same directory as {joined('roots', other.name)}"
    elif _inside(root.path, other.path):
        what = f"lies inside {joined('roots', other.name)} ({_text(other.path)})"
    elif _inside(other.path, root.path):
        what = f"holds {joined('roots', other.name)} ({_text(other.path)})"
    else:
        return
    problems.add(places[where], where, what, "a file belongs to one root; keep them apart")


def _inside(path: bytes, directory: bytes) -> bool:
    """Tell whether ``path`` is ``directory`` or lies below it; both are absolute and normal."""
    return path == directory or path.startswith(directory.rstrip(b"/") + b"/")


def _text(path: bytes) -> str:
    return printable(path.decode("utf-8", "surrogateescape"))
