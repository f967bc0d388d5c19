"""Pack a tree into one file that unpacks itself.

python setup/pyz/pack.py TREE START FILE
"""

import hashlib
import io
import json
import os
import sys
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).parent
FIRST = b"#!/usr/bin/env python3\n"


def main() -> None:
    """Write the file."""
    tree, start, target = map(Path, sys.argv[1:])
    told = json.loads((tree / "storewarden/built.json").read_text())
    packages = f"lib/python{told['python']}/site-packages"
    files = {
        f"{packages}/{found.relative_to(tree)}": found.read_bytes()
        for found in sorted(tree.rglob("*"))
        if found.is_file() and not found.is_symlink()
    }
    files["bin/storewarden"] = start.read_bytes()
    packed = zipped(files, zipfile.ZIP_DEFLATED)
    told |= {
        "digest": hashlib.sha256(packed).hexdigest(),
        "files": {name: len(content) for name, content in files.items()},
    }
    outer = {name: (HERE / name).read_bytes() for name in ("__main__.py", "unpacking.py")}
    outer["built.json"] = json.dumps(told).encode()
    outer["tree.zip"] = packed
    target.write_bytes(FIRST + zipped(outer, zipfile.ZIP_STORED))
    target.chmod(0o755)


def zipped(files: Mapping[str, bytes], compression: int) -> bytes:
    """Return an archive that is the same bytes whenever it is made of the same files."""
    when = time.gmtime(max(int(os.environ["SOURCE_DATE_EPOCH"]), 315_532_800))[:6]  # zip knows 1980
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, when)
            entry.compress_type = compression
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return made.getvalue()


if __name__ == "__main__":
    main()
