"""Policies, stores, prices and tables: what the configuration says of them arrives."""

from pathlib import Path

import pytest

from storewarden.config.changes import changed
from storewarden.config.schema import StoreSettings, TableSettings
from tests.unit.config.asking import problems, settings

ROOTS = "roots: {a: /a}\nstate: /s\n"


def test_without_a_word_the_safe_policies_count_and_nothing_else_is_there(tmp_path: Path) -> None:
    found = settings(tmp_path, ROOTS)

    assert found.policies == ("shipped:safe-default",)
    assert (found.stores, found.tables, found.currency) == ((), (), "USD")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("./p", ("<here>/p",)),
        ("[./p, shipped:trae, /etc/q]", ("<here>/p", "shipped:trae", "/etc/q")),
        ("~/p", ("/home/warden/p",)),
        ("[]", ()),
    ],
)
def test_policies_begin_where_the_configuration_lies(
    tmp_path: Path, written: str, meant: tuple[str, ...]
) -> None:
    found = settings(tmp_path, f"{ROOTS}policies: {written}\n")

    assert tuple(one.replace(str(tmp_path), "<here>") for one in found.policies) == meant


def test_stores_are_directories_or_buckets_and_have_prices(tmp_path: Path) -> None:
    found = settings(
        tmp_path,
        f"""{ROOTS}
stores:
  cold: ./cold
  plain: s3://bucket
  google: gs://bucket/p
  azure: az://container
  cloud: {{url: "s3://bucket/p/", endpoint: "http://[::1]:8333", region: eu-1}}
  local: {{price: {{gib_month: 0.1}}}}
  dear: {{path: /dear, price: {{gib_month: 0.021, gib_out: 1}}}}
currency: EUR
""",
    )

    assert found.stores == (
        StoreSettings("cold", path=bytes(tmp_path / "cold")),
        StoreSettings("plain", url="s3://bucket"),
        StoreSettings("google", url="gs://bucket/p"),
        StoreSettings("azure", url="az://container"),
        StoreSettings("cloud", url="s3://bucket/p", endpoint="http://[::1]:8333", region="eu-1"),
        StoreSettings("local", gib_month=0.1),
        StoreSettings("dear", path=b"/dear", gib_month=0.021, gib_out=1.0),
    )
    assert found.store_names == ("cold", "plain", "google", "azure", "cloud", "dear")
    assert found.currency == "EUR"


def test_how_a_store_is_used_is_told_with_it(tmp_path: Path) -> None:
    found = settings(
        tmp_path,
        f"""{ROOTS}
stores:
  old: {{path: /old, read_only: true, scrub: never}}
  far: {{url: "s3://bucket", rate: 20MiB, scrub: 2.5%, verify: checksum}}
  near: /near
""",
    )

    assert found.stores == (
        StoreSettings("old", path=b"/old", read_only=True, scrub=0.0),
        StoreSettings("far", url="s3://bucket", rate=20 << 20, scrub=0.025, verify="checksum"),
        StoreSettings("near", path=b"/near", read_only=False, rate=None, scrub=0.01),
    )


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("rate: 10", "10 has no unit; write 10B, 10MB, 10GiB, …"),
        ("rate: 1KiB", "1KiB is too little; write 4KiB at least"),
        ("scrub: 0%", "0% is no share; write never"),
        ("scrub: often", "'often' is not a share; write for example 10%"),
        ("verify: checksum", "stores.cold.verify: is for object stores; remove it"),
        ("read_only: perhaps", "'perhaps' is not true or false; write true or false"),
    ],
)
def test_how_a_store_cannot_be_used(tmp_path: Path, written: str, told: str) -> None:
    (line,) = problems(tmp_path, f"{ROOTS}stores: {{cold: {{path: /c, {written}}}}}\n")

    assert told in line


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (
            'url: "s3://bucket", verify: hope',
            "'hope' is not known here; write one of read, checksum",
        ),
        ('url: "gs://bucket", verify: checksum', "stores.far.verify: is for s3://; remove it"),
    ],
)
def test_an_object_store_is_proven_in_one_of_two_ways(
    tmp_path: Path, written: str, told: str
) -> None:
    (line,) = problems(tmp_path, f"{ROOTS}stores: {{far: {{{written}}}}}\n")

    assert told in line


def test_a_reload_tells_what_changed_of_a_store(tmp_path: Path) -> None:
    old = settings(tmp_path, f"{ROOTS}stores: {{cold: /c}}\n")
    new = settings(
        tmp_path,
        f"{ROOTS}stores: {{cold: {{path: /c, rate: 1MiB, scrub: never, read_only: true}}}}\n",
    )

    (told,) = changed(old, new)

    after = "path: /c, read_only: true, rate: 1MiB, scrub: never"
    assert str(told) == f"stores.cold: path: /c -> {after}"


def test_tables_are_declared_with_their_children(tmp_path: Path) -> None:
    text = (
        f"{ROOTS}tables: {{app.talks: {{database: data/app.db, table: talks, key: id, "
        "clock: updated_at, children: {messages: talk_id}}}"
    )

    (table,) = settings(tmp_path, text).tables

    children = (("messages", ("talk_id",)),)
    path = bytes(tmp_path / "data/app.db")
    assert table == TableSettings("app.talks", path, "talks", ("id",), "updated_at", children)
    assert table.declared_at.endswith("storewarden.yaml:3:10")


def test_a_table_can_be_in_a_database_that_has_a_name_or_at_a_server(tmp_path: Path) -> None:
    table = "table: talks, key: id, clock: at"
    text = (
        f"{ROOTS}databases: {{app: data/app.db, far: 'postgresql://me:secret@db/app'}}\n"
        f"tables: {{a: {{database: app, {table}}}, b: {{database: far, {table}}}, "
        f"c: {{database: 'postgresql://you@db/other', {table}}}, "
        f"d: {{database: none.db, {table}}}}}"
    )

    a, b, c, d = settings(tmp_path, text).tables

    assert (a.database, a.url) == (bytes(tmp_path / "data/app.db"), None)
    assert (b.database, b.url) == (b"postgresql://me:***@db/app", "postgresql://me:secret@db/app")
    assert (c.database, c.url) == (b"postgresql://you@db/other", "postgresql://you@db/other")
    assert (d.database, d.url) == (bytes(tmp_path / "none.db"), None)
    assert "secret" not in repr((a, b, c, d))


def test_an_address_that_is_none_and_files_of_a_server_without_a_directory(tmp_path: Path) -> None:
    table = "table: talks, key: id, clock: at"
    wrong = f"{ROOTS}tables: {{t: {{database: 'mysql://db/app', {table}}}}}"
    assert "tables.t.database: 'mysql' is no kind of server" in problems(tmp_path, wrong)[0]

    wrong = f"{ROOTS}tables: {{t: {{database: 'postgresql://db/app', {table}, file: video}}}}"
    told = "tables.t.file: names files, and nothing says where their paths begin"
    assert told in problems(tmp_path, wrong)[0]


def test_what_tells_rows_apart_can_be_several_columns(tmp_path: Path) -> None:
    text = (
        f"{ROOTS}tables: {{app.talks: {{database: app.db, table: talks, key: [room, number], "
        "clock: at, clock_unit: ms, deleted: gone, file: video, files: out, "
        "children: {messages: [room, talk]}}}"
    )

    (table,) = settings(tmp_path, text).tables

    assert (table.key, table.children) == (("room", "number"), (("messages", ("room", "talk")),))
    assert (table.clock_unit, table.deleted, table.file) == ("ms", "gone", "video")
    assert table.files == bytes(tmp_path / "out")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("key: [a, a]", "tables.t.key.1: a is there twice; leave one out"),
        ("key: []", "tables.t.key: is empty; write for example id"),
        ("key: a, children: {m: [a, b]}", "tables.t.children.m: 2 columns name a row that 1 tell"),
        ("key: a, clock_unit: min", "tables.t.clock_unit: "),
    ],
)
def test_keys_and_children_that_do_not_fit(tmp_path: Path, said: str, told: str) -> None:
    text = f"{ROOTS}tables: {{t: {{database: app.db, table: talks, clock: at, {said}}}}}"

    assert told in problems(tmp_path, text)[0]


def test_the_environment_tells_the_same(tmp_path: Path) -> None:
    environ = {
        "STOREWARDEN_POLICIES": "./p, shipped:trae",
        "STOREWARDEN_CURRENCY": "EUR",
        "STOREWARDEN_STORES_COLD_PATH": "/elsewhere",
        "STOREWARDEN_STORES_CLOUD_URL": "s3://bucket",
        "STOREWARDEN_STORES_CLOUD_REGION": "eu-1",
        "STOREWARDEN_TABLES": "{t: {database: /x, table: t, key: k, clock: c}}",
    }

    found = settings(tmp_path, f"{ROOTS}stores: {{cold: /cold}}\n", environ)

    assert found.policies == (f"{tmp_path}/p", "shipped:trae")
    assert found.currency == "EUR"
    assert found.stores == (
        StoreSettings("cold", path=b"/elsewhere"),
        StoreSettings("cloud", url="s3://bucket", region="eu-1"),
    )
    assert found.table_names == ("t",)


def test_a_group_of_stores_replaces_the_files(tmp_path: Path) -> None:
    environ = {"STOREWARDEN_STORES": "{warm: /warm}"}

    assert settings(tmp_path, f"{ROOTS}stores: {{cold: /c}}\n", environ).store_names == ("warm",)


def test_a_variable_of_a_store_that_is_none_is_told(tmp_path: Path) -> None:
    (line,) = problems(tmp_path, ROOTS, {"STOREWARDEN_STORES_COLD": "/x"})

    assert line == (
        "$STOREWARDEN_STORES_COLD: is an unknown variable; a store is told by "
        "STOREWARDEN_STORES_NAME_PATH or STOREWARDEN_STORES_NAME_URL, or all by STOREWARDEN_STORES"
    )


def test_a_reload_applies_all_of_it_and_says_what_differs(tmp_path: Path) -> None:
    table = "{database: /x, table: t, key: k, clock: c}"
    old = settings(tmp_path, f"{ROOTS}stores: {{cold: /cold, gone: s3://bucket}}\n")
    new = settings(
        tmp_path,
        f"{ROOTS}policies: /p\ncurrency: EUR\ntables: {{t: {table}}}\n"
        "stores: {cold: {path: /cold, price: {gib_month: 1}}}\n",
    )

    differences = changed(old, new)

    assert [str(one) for one in differences] == [
        "policies: [shipped:safe-default] -> [/p]",
        "currency: USD -> EUR",
        "stores.cold: path: /cold -> path: /cold, gib_month: 1.0",
        "stores.gone: removed",
        "tables.t: added (database: /x, table: t, key: k, clock: c)",
    ]
    assert {one.live for one in differences} == {True}
    assert changed(new, new) == ()
