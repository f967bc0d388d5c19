"""What a PostgreSQL database is: its size, tables, rows and connections; runs in a child.

Asked of the server's own figures, in a transaction that can write nothing. Rows are those that the
server reckons with: what it found when it last analyzed a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from blake3 import blake3

from storewarden.config.secret import redacted
from storewarden.databases.jobs import Document, Tell
from storewarden.errors import DatabaseUnavailable

if TYPE_CHECKING:  # it need not be installed
    import psycopg

CONNECT_SECONDS: Final = 10
STATEMENT_MILLISECONDS: Final = 10_000
MOST_TABLES: Final = 100  # whose rows are told one by one

_OURS: Final = "n.nspname <> 'pg_catalog' AND n.nspname <> 'information_schema'"
_NOT_TEMPORARY: Final = "n.nspname NOT LIKE 'pg\\_toast%' AND n.nspname NOT LIKE 'pg\\_temp%'"
_WHOSE: Final = f"{_OURS} AND {_NOT_TEMPORARY}"
_SIZE: Final = "SELECT pg_database_size(current_database())"
_TABLES: Final = (
    "SELECT n.nspname, c.relname, c.reltuples::bigint, pg_total_relation_size(c.oid)"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    f" WHERE c.relkind IN ('r', 'm') AND {_WHOSE}"
)
_OBJECTS: Final = (
    "SELECT c.relkind::text, count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    f" WHERE {_WHOSE} GROUP BY 1"
)
_CONNECTIONS: Final = (
    "SELECT count(*), coalesce(min(setting::bigint), 0) FROM pg_stat_activity,"
    " (SELECT setting FROM pg_settings WHERE name = 'max_connections') most"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
_REFERENCES: Final = "SELECT count(*), count(*) FILTER (WHERE convalidated) FROM pg_constraint"
_SCHEMA: Final = (
    "SELECT n.nspname, c.relname, c.relkind::text, a.attname, format_type(a.atttypid, a.atttypmod),"
    " a.attnotnull, pg_get_expr(d.adbin, d.adrelid)"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
    " LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum"
    f" WHERE c.relkind IN ('r', 'p', 'v', 'm') AND {_WHOSE} ORDER BY 1, 2, 4 LIMIT 200000"
)


def look(arguments: Document, descriptors: Sequence[int], tell: Tell) -> Document:  # noqa: ARG001
    """Look at the database of a server, at ``url``.

    Raises:
        DatabaseUnavailable: its server does not answer, or refuses us.
    """
    url = str(arguments["url"])
    try:
        import psycopg  # noqa: PLC0415  # it need not be installed
    except ImportError as error:
        raise _unavailable(url, str(error), "pip install 'storewarden[postgres]'") from error
    try:
        with psycopg.connect(
            url, connect_timeout=CONNECT_SECONDS, application_name="storewarden"
        ) as connection:
            connection.execute(
                "SELECT set_config('statement_timeout', %s, false),"
                " set_config('default_transaction_read_only', 'on', false),"
                " set_config('transaction_read_only', 'on', false)",
                (str(STATEMENT_MILLISECONDS),),
            )
            return facts(connection)
    except psycopg.Error as error:
        why = redacted(str(error).strip().partition("\n")[0]) or type(error).__name__
        remedy = "see whether its server runs, and lets us in"
        raise _unavailable(url, why, remedy) from None


def _unavailable(url: str, why: str, remedy: str) -> DatabaseUnavailable:
    what = "a database cannot be looked at"
    return DatabaseUnavailable(what, where=redacted(url), why=why, remedy=remedy)


def facts(connection: psycopg.Connection[Any]) -> dict[str, Any]:
    """Return what the database of a connection is."""
    (size,) = _row(connection, _SIZE)
    connections, most = _row(connection, _CONNECTIONS)
    references, valid = _row(connection, f"{_REFERENCES} WHERE contype = 'f'")
    tables = connection.execute(_TABLES).fetchall()
    objects = dict(connection.execute(_OBJECTS).fetchall())
    unknown = any(rows < 0 for _, _, rows, _ in tables)
    largest = sorted(tables, key=lambda table: (-table[3], table[:2]))[:MOST_TABLES]
    return {
        "bytes": size,
        "tables": len(tables),
        "indexes": objects.get("i", 0),
        "views": objects.get("v", 0),
        "rows": sum(max(0, rows) for _, _, rows, _ in tables),
        "rows_are": "unknown" if unknown else "analyzed",
        "rows_by_table": {
            f"{schema}.{name}": [None, "unknown"] if rows < 0 else [rows, "analyzed"]
            for schema, name, rows, _ in largest
        },
        "bytes_by_table": {f"{schema}.{name}": size for schema, name, _, size in largest},
        "foreign_keys": "none" if not references else "on" if references == valid else "off",
        "schema_digest": _fingerprint(connection),
        "connections": connections,
        "most_connections": most,
        "encoding": str(connection.info.encoding),
        "server_version": str(connection.info.parameter_status("server_version")),
    }


def _fingerprint(connection: psycopg.Connection[Any]) -> bytes:
    digest = blake3()
    for row in connection.execute(_SCHEMA):
        digest.update(repr(row).encode("utf-8", "backslashreplace") + b"\n")
    return digest.digest()


def _row(connection: psycopg.Connection[Any], statement: str) -> tuple[Any, ...]:
    (row,) = connection.execute(statement.encode()).fetchall()
    found: tuple[Any, ...] = row
    return found
