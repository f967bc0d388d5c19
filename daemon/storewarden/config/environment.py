"""What the environment says, laid over what the file says.

Each key has a variable: STOREWARDEN_ and the keys joined by _, in capitals; a root stands for its
name, with - written as _. A variable holds the value as text, a list as ``[a, b]`` or ``a, b``,
a group of keys as ``{key: value}``. Relative paths begin in the current directory.
"""

from __future__ import annotations

from collections.abc import Mapping as Environ
from pathlib import Path

from storewarden.config.keys import (
    DATABASE_KEYS,
    DATABASES,
    ENVIRONMENT,
    GROUPS,
    LISTENER_KEYS,
    LISTENERS,
    ROOT_KEYS,
    ROOT_PATH,
    SINGLE,
    STORE_KEYS,
    STORES,
    TABLES,
    Kind,
)
from storewarden.config.problems import VARIABLE, Origin, Place, Problems, did_you_mean, nearest
from storewarden.config.yamltext import Entry, Items, Mapping, Node, Scalar, read

FILE_VARIABLE = f"{ENVIRONMENT}CONFIG"
QUERIES_VARIABLE = f"{ENVIRONMENT}QUERIES"  # where applications hand over what they counted
TOKEN_VARIABLE = f"{ENVIRONMENT}TOKEN"  # by which a client is known
_TESTS = f"{ENVIRONMENT}TEST_"
_ROOTS = f"{ENVIRONMENT}ROOTS"
_LISTS = {Kind.PATTERNS, Kind.NAMES, Kind.PLACES, Kind.SOURCES, Kind.EVENTS, Kind.TERMS}
_NAMED = ("roots", STORES, DATABASES, TABLES, LISTENERS)
_PLACED = {
    STORES: (STORE_KEYS, "store"),
    DATABASES: (DATABASE_KEYS, "database"),
    LISTENERS: (LISTENER_KEYS, "listener"),
}


def variable(*keys: str) -> str:
    """Return the name of the variable that sets ``keys``."""
    return ENVIRONMENT + "_".join(key.upper().replace("-", "_") for key in keys)


def given(environ: Environ[str, str]) -> list[str]:
    """Return the variables that are meant for the configuration."""
    ours = (name for name in environ if name.startswith(ENVIRONMENT))
    others = {FILE_VARIABLE, QUERIES_VARIABLE, TOKEN_VARIABLE}
    return sorted(name for name in ours if name not in others and not name.startswith(_TESTS))


def overlay(tree: Mapping, environ: Environ[str, str], cwd: Path, problems: Problems) -> None:
    """Write what the variables say into ``tree``; whole groups first, then single keys."""
    layer = _Overlay(tree, cwd, problems)
    names = given(environ)
    groups = [name for name in names if name in _groups()]
    for name in groups:
        layer.set_group(name, environ[name])
    rest = [name for name in names if name not in groups]
    # A root's path first: what it makes known, the other variables may speak of.
    for name in sorted(rest, key=lambda name: not _makes_root(name)):
        layer.set_one(name, environ[name])


def check_alone(environ: Environ[str, str], cwd: Path, problems: Problems) -> None:
    """Say what is wrong with the variables when the file could not be read.

    Those of roots are left out: which roots there are is not known then.
    """
    others = {name: text for name, text in environ.items() if not name.startswith(f"{_ROOTS}_")}
    overlay(Mapping(Place(Origin("", cwd))), others, cwd, problems)


def names_other_roots(environ: Environ[str, str], built_in: set[str]) -> bool:
    """Tell whether the environment gives a path to a root that is not built in."""
    for name in given(environ):
        if name == _ROOTS:
            return True
        if _makes_root(name) and _root_and_key(name)[0] not in built_in:
            return True
    return False


def _groups() -> dict[str, str]:
    return {variable(group): group for group in (*_NAMED, *GROUPS)}


def _makes_root(name: str) -> bool:
    return name.startswith(f"{_ROOTS}_") and name.endswith(f"_{ROOT_PATH.name.upper()}")


def _root_and_key(name: str) -> tuple[str, str]:
    """Split STOREWARDEN_ROOTS_SAVE_OUTPUTS_SETTLE_CAP into save_outputs and settle_cap."""
    rest = name.removeprefix(f"{_ROOTS}_")
    for key in sorted((key.name for key in ROOT_KEYS), key=len, reverse=True):
        root = rest.removesuffix(f"_{key.upper()}")
        if root not in {rest, ""}:
            return root.lower(), key
    return rest.lower(), ""


class _Overlay:
    def __init__(self, tree: Mapping, cwd: Path, problems: Problems) -> None:
        self._tree, self._cwd, self._problems = tree, cwd, problems

    def set_group(self, name: str, text: str) -> None:
        """Replace a whole group by what a variable says in YAML."""
        group = _groups()[name]
        origin = self._origin(name)
        if not text.lstrip().startswith("{"):
            hint = f"write {{key: value}}, or use the variables {name}_…"
            self._problems.add(Place(origin), group, "is not keys with values", hint)
            return
        data = text.encode("utf-8", "surrogateescape")
        node = read(data, origin, self._problems)
        if node is not None:
            self._tree.entries[group] = Entry(node.place, node)

    def set_one(self, name: str, text: str) -> None:
        """Set the key that a variable is for; say so when there is none."""
        place = Place(self._origin(name))
        if name.startswith(f"{_ROOTS}_"):
            self._set_root(name, text, place)
            return
        for group in _PLACED:
            if name.startswith(f"{variable(group)}_"):
                self._set_placed(group, name, text, place)
                return
        for key in SINGLE:
            if name == variable(key.name):
                self._set(self._tree, key.name, self._value(text, key.kind, place, key.name))
                return
        for group, keys in GROUPS.items():
            for key in keys:
                if name == variable(group, key.name):
                    value = self._value(text, key.kind, place, f"{group}.{key.name}")
                    self._set(self._inner(self._tree, group, place), key.name, value)
                    return
        self._unknown(name, place)

    def _set_root(self, name: str, text: str, place: Place) -> None:
        roots = self._inner(self._tree, "roots", place)
        known = {root.upper().replace("-", "_"): root for root in roots.entries}
        whole = name.removeprefix(f"{_ROOTS}_")
        if whole in known:
            path = f"roots.{known[whole]}"
            self._set(roots, known[whole], self._value(text, ROOT_PATH.kind, place, path))
            return
        root, key = _root_and_key(name)
        written = known.get(root.upper(), root)
        if not key:
            self._unknown(name, place, list(known))
            return
        if written not in roots.entries and key != ROOT_PATH.name:
            hint = did_you_mean(
                root.upper(), list(known), f"add it by {variable('roots', root, 'path')}"
            )
            self._problems.add(place, "", f"there is no root {root}", hint)
            return
        kind = next(one.kind for one in ROOT_KEYS if one.name == key)
        value = self._value(text, kind, place, f"roots.{written}.{key}")
        self._set(self._root(roots, written, place), key, value)

    def _set_placed(self, group: str, name: str, text: str, place: Place) -> None:
        """Set one key of a store, a database or a listener; its path or its url makes it known."""
        whole = variable(group)
        keys, called = _PLACED[group]
        rest = name.removeprefix(f"{whole}_")
        for key in keys:
            one = rest.removesuffix(f"_{key.name.upper()}")
            if one not in {rest, ""}:
                entries = self._inner(self._tree, group, place)
                known = {each.upper().replace("-", "_"): each for each in entries.entries}
                written = known.get(one, one.lower())
                value = self._value(text, key.kind, place, f"{group}.{written}.{key.name}")
                self._set(self._placed(entries, written, place), key.name, value)
                return
        places = [key.name.upper() for key in keys if key.name in ("path", "url")]
        told = " or ".join(f"{whole}_NAME_{place}" for place in places)
        hint = f"a {called} is told by {told}, or all by {whole}"
        self._problems.add(place, "", "is an unknown variable", hint)

    def _placed(self, entries: Mapping, name: str, place: Place) -> Mapping:
        """Return the keys of one, also of one that was written as a plain path or address."""
        entry = entries.entries.get(name)
        if entry is not None and isinstance(entry.node, Scalar):
            key = "url" if "://" in entry.node.text else "path"
            node = Mapping(entry.node.place, {key: Entry(entry.node.place, entry.node)})
            entries.entries[name] = Entry(entry.place, node)
        return self._inner(entries, name, place)

    def _root(self, roots: Mapping, name: str, place: Place) -> Mapping:
        """Return the keys of a root, also of one that was written as a plain path."""
        entry = roots.entries.get(name)
        if entry is not None and isinstance(entry.node, Scalar):
            path = {ROOT_PATH.name: Entry(entry.node.place, entry.node)}
            roots.entries[name] = Entry(entry.place, Mapping(entry.node.place, path))
        return self._inner(roots, name, place)

    def _inner(self, mapping: Mapping, key: str, place: Place) -> Mapping:
        """Return the mapping below ``key``, made when missing; a detached one when it is none."""
        entry = mapping.entries.get(key)
        if entry is None:
            entry = mapping.entries[key] = Entry(place, Mapping(place))
        return entry.node if isinstance(entry.node, Mapping) else Mapping(place)

    def _set(self, mapping: Mapping, key: str, node: Node | None) -> None:
        if node is not None:
            mapping.entries[key] = Entry(node.place, node)

    def _value(self, text: str, kind: Kind, place: Place, path: str) -> Node | None:
        """Return the node that a variable's text is."""
        if not text.strip():
            hint = "unset it, or write [] for an empty list" if kind in _LISTS else "unset it"
            self._problems.add(place, path, "is empty", hint)
            return None
        if kind not in _LISTS:
            return Scalar(place, text)
        if text.lstrip().startswith("["):
            return read(text.encode("utf-8", "surrogateescape"), place.origin, self._problems)
        words = [word.strip() for word in text.split(",")]
        return Items(place, [Scalar(place, word, plain=False) for word in words])

    def _unknown(self, name: str, place: Place, roots: list[str] | None = None) -> None:
        """Say that there is no such variable, and which is near; what all share does not count."""
        if roots is None:
            shared, hint = ENVIRONMENT, "unset it"
            known = [*_groups(), *(variable(key.name) for key in SINGLE), FILE_VARIABLE]
            known += [variable(group, key.name) for group, keys in GROUPS.items() for key in keys]
        else:
            shared, hint = f"{_ROOTS}_", f"a root is added by {_ROOTS}_NAME_PATH"
            known = [f"{_ROOTS}_{root}" for root in roots]
            known += [variable("roots", root, key.name) for root in roots for key in ROOT_KEYS]
        near = nearest(name.removeprefix(shared), [one.removeprefix(shared) for one in known])
        hint = f"did you mean {shared}{near}?" if near else hint
        self._problems.add(place, "", "is an unknown variable", hint)

    def _origin(self, name: str) -> Origin:
        return Origin(f"${name}", self._cwd, VARIABLE)
