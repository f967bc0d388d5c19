"""Stores: where files can be besides their roots, and what that costs."""

from __future__ import annotations

import re
from typing import Any

from storewarden.config.keys import (
    NAME,
    NAME_RULE,
    PRICE,
    PRICE_KEYS,
    STORE_KEYS,
    STORE_PATH,
    STORE_URL,
    STORES,
)
from storewarden.config.problems import joined, shown
from storewarden.config.schema import LOCAL, StoreSettings
from storewarden.config.sheet import Sheet
from storewarden.config.yamltext import Entry, Mapping, Scalar

_NAME = re.compile(NAME)
_EXAMPLE = "stores: {cold: {path: /mnt/cold}}"


def read_stores(sheet: Sheet, tree: Mapping) -> tuple[StoreSettings, ...]:
    """Return the stores that could be read."""
    entry = tree.entries.get(STORES)
    if entry is None:
        return ()
    stores = sheet.mapping(entry.node, STORES, _EXAMPLE)
    if stores is None:
        return ()
    read = [_store(sheet, name, store) for name, store in stores.entries.items()]
    return tuple(store for store in read if store is not None)


def _store(sheet: Sheet, name: str, entry: Entry) -> StoreSettings | None:
    where = joined(STORES, name)
    sheet.places[where] = entry.place
    if not _NAME.fullmatch(name):
        sheet.problems.add(entry.place, where, f"{shown(name)} is no name", NAME_RULE)
    node = entry.node
    if isinstance(node, Scalar) and not node.nothing:
        key = STORE_URL if "://" in node.text else STORE_PATH
        node = Mapping(node.place, {key.name: Entry(node.place, node)})
    mapping = sheet.mapping(node, where, f"{name}: {{path: /mnt/{name}}}")
    if mapping is None:
        return None
    sheet.refuse_unknown(mapping, where, (*(key.name for key in STORE_KEYS), PRICE))
    values = {key.name: sheet.single(mapping, key, where) for key in STORE_KEYS}
    values |= _price(sheet, mapping, where)
    values = {key: value for key, value in values.items() if value is not None}
    if name == LOCAL:
        _only_price(sheet, mapping, where)
    elif mapping.entries:
        _one_place(sheet, entry, mapping, where)
    return StoreSettings(name=name, **values)


def _price(sheet: Sheet, store: Mapping, where: str) -> dict[str, Any]:
    entry = store.entries.get(PRICE)
    if entry is None:
        return {}
    where = joined(where, PRICE)
    mapping = sheet.mapping(entry.node, where, "price: {gib_month: 0.021}")
    if mapping is None:
        return {}
    sheet.refuse_unknown(mapping, where, tuple(key.name for key in PRICE_KEYS))
    return {key.name: sheet.single(mapping, key, where) for key in PRICE_KEYS}


def _only_price(sheet: Sheet, mapping: Mapping, where: str) -> None:
    for key in STORE_KEYS:
        if key.name in mapping.entries:
            what = "local is the roots themselves"
            place = mapping.entries[key.name].place
            sheet.problems.add(place, joined(where, key.name), what, "tell its price, or nothing")


def _one_place(sheet: Sheet, entry: Entry, mapping: Mapping, where: str) -> None:
    """Say when a store is nowhere, or in two places."""
    path, url = (mapping.entries.get(key.name) for key in (STORE_PATH, STORE_URL))
    if path and url:
        hint = "keep one, or make two stores"
        sheet.problems.add(url.place, joined(where, STORE_URL.name), "path and url together", hint)
    if not path and not url:
        what = "says neither path nor url"
        hint = f"write path: {STORE_PATH.example} or url: {STORE_URL.example}"
        sheet.problems.add(entry.place, where, what, hint)
    if path and not url:
        _no_address(sheet, mapping, where, "is for object stores")
    elif url and isinstance(url.node, Scalar) and url.node.text.startswith(("gs:", "az:")):
        _no_address(sheet, mapping, where, "is for s3://")


def _no_address(sheet: Sheet, mapping: Mapping, where: str, what: str) -> None:
    """Say what tells where an S3 server is, of a store that is none."""
    for name in ("endpoint", "region", "verify"):
        if name in mapping.entries:
            place = mapping.entries[name].place
            sheet.problems.add(place, joined(where, name), what, "remove it")
