"""Write the dashboards, and the page that explains them: ``python -m grafana.make``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from grafana.board import Board, as_json
from grafana.boards import BOARDS
from grafana.reference import markdown

HERE: Final = Path(__file__).parent
REFERENCE: Final = HERE.parent / "docs/reference/dashboards.md"


def files() -> Iterator[tuple[Path, str]]:
    """Return every file that is made, with what is to be in it."""
    for board in BOARDS:
        text = json.dumps(as_json(board), indent=2, ensure_ascii=False, sort_keys=True)
        yield HERE / "dashboards" / f"{file_name(board)}.json", text + "\n"
    yield REFERENCE, markdown(BOARDS)


def file_name(board: Board) -> str:
    """Return what the files of a dashboard are called: ``overview``."""
    return board.uid.removeprefix("storewarden-")


def main() -> None:
    """Write what is not as it should be."""
    for path, text in files():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            print(f"wrote {path.relative_to(HERE.parent)}")


if __name__ == "__main__":
    main()
