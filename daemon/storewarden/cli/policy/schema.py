"""``storewarden policy schema``: a JSON Schema of policy files."""

from __future__ import annotations

import json

import click

from storewarden.cli.session import Session, verb


@verb
def command(session: Session) -> int:
    """Write a JSON Schema of policy files, with which editors complete and check them.

    \b
    storewarden policy schema > policies.schema.json
    # yaml-language-server: $schema=policies.schema.json
    """  # noqa: D301  # click's mark for lines that stay as they are
    _ = session
    from storewarden.errors import DONE
    from storewarden.policy.schema_json import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return DONE
