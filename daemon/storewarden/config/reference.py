"""The keys as a page for people: ``python -m storewarden.config.reference PAGE`` rewrites it.

Only what stands between the two marks of the page is written; a test holds that it is up to date.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from storewarden.config.environment import variable
from storewarden.config.keys import (
    DATABASE_KEYS,
    DATABASES,
    GROUPS,
    LISTENER_KEYS,
    LISTENERS,
    MORE_TABLE_KEYS,
    PRICE,
    PRICE_KEYS,
    ROOT_KEYS,
    SINGLE,
    STORE_KEYS,
    STORES,
    TABLE_KEYS,
    TABLES,
    Key,
    Kind,
)
from storewarden.units import write_duration, write_share, write_size

BEGIN, END = "<!-- keys: generated -->\n", "<!-- /keys -->\n"


_MAY_LACK = (*STORE_KEYS, *PRICE_KEYS, *DATABASE_KEYS)


def keys_page() -> str:
    """Return the sections of all keys, in Markdown."""
    return "\n".join(line for group in _groups() for line in group)


def renewed(page: str) -> str:
    """Return the page with its keys written anew."""
    begin, end = page.index(BEGIN) + len(BEGIN), page.index(END)
    return f"{page[:begin]}\n{keys_page()}\n{page[end:]}"


def _groups() -> Iterator[Iterator[str]]:
    for key in SINGLE:
        yield _section(key, ())
    for key in ROOT_KEYS:
        yield _section(key, ("roots", "NAME"))
    for key in STORE_KEYS:
        yield _section(key, (STORES, "NAME"))
    for key in PRICE_KEYS:
        yield _section(key, (STORES, "NAME", PRICE), variable(STORES))
    for key in DATABASE_KEYS:
        yield _section(key, (DATABASES, "NAME"))
    for key in (*TABLE_KEYS, *MORE_TABLE_KEYS):
        yield _section(key, (TABLES, "NAME"), variable(TABLES))
    for key in LISTENER_KEYS:
        yield _section(key, (LISTENERS, "NAME"))
    for name, keys in GROUPS.items():
        for key in keys:
            yield _section(key, (name,))


def _section(key: Key, path: tuple[str, ...], group: str = "") -> Iterator[str]:
    """Yield the section of a key; ``group`` is the variable that it is a part of."""
    full = (*path, key.name)
    yield f"### {'.'.join(full)}\n"
    yield f"{key.about}\n"
    yield "| | |\n|---|---|"
    yield f"| default | {_default(key)} |"
    if key.choices:
        yield f"| values | {', '.join(f'`{choice}`' for choice in key.choices)} |"
    elif bounds := _bounds(key):
        yield f"| values | {bounds} |"
    yield f"| example | `{key.name}: {key.example}` |"
    yield f"| variable | {f'within `{group}`' if group else f'`{variable(*full)}`'} |"
    yield f"| reload | {'applied' if key.live else 'needs a restart'} |\n"


def _default(key: Key) -> str:
    if key.kind is Kind.POINTS:
        return "what the profile says"
    if not key.default:
        return "none" if key in _MAY_LACK else "none: it must be given"
    # State's default is a sentence; any other is what one would write.
    return key.default if key.default.startswith("$") else f"`{key.default}`"


def _bounds(key: Key) -> str:
    """Say between which values a number may lie."""
    if key.kind is Kind.DURATION:
        bounds = f"`{write_duration(key.least)}` to `{write_duration(key.most)}`"
        return f"`never`, or {bounds}" if key.never else bounds
    if key.kind is Kind.SIZE:
        return f"`{write_size(int(key.least))}` and more"
    if key.kind is Kind.POINTS:
        return f"`{key.least:.0f}` to `{key.most:.0f}`"
    if key.kind is not Kind.SHARE:
        return ""
    return "`never`, or up to `100%`" if key.never else f"`{write_share(key.least)}` to `100%`"


if __name__ == "__main__":
    for name in sys.argv[1:]:
        file = Path(name)
        file.write_text(renewed(file.read_text()))
