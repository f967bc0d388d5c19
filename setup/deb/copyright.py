"""Write Debian's copyright file of a tree: our licence, and of what is inside the licence of each.

python setup/deb/copyright.py TREE
"""

import json
import sys
from pathlib import Path

HEAD = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: storewarden

Files: *
Copyright: {holders}
License: Expat
{text}
"""
INSIDE = """\

Files: usr/lib/storewarden/lib/python{python}/site-packages/{name}*
Copyright: its authors, named in the files of {distribution}
License: {licence}
 {name} {version}. The full text lies in
 /usr/lib/storewarden/lib/python{python}/site-packages/{distribution},
 that of well-known licences also in /usr/share/common-licenses.
"""


def main() -> None:
    """Write it to where output goes."""
    tree = Path(sys.argv[1])
    told = json.loads((tree / "storewarden/built.json").read_text())
    lines = Path("LICENSE").read_text().splitlines()
    (holders,) = (line.removeprefix("Copyright (c) ") for line in lines if "Copyright (c)" in line)
    text = "\n".join(f" {line or '.'}" for line in lines)
    print(HEAD.format(holders=holders, text=text), end="")
    for name, version, licence in told["packages"]:
        (folder,) = (
            found.name
            for found in tree.glob("*.dist-info")
            if found.name.lower().replace("-", "_").replace(".", "_")
            == f"{name}-{version}.dist-info".lower().replace("-", "_").replace(".", "_")
        )
        print(
            INSIDE.format(
                name=name,
                version=version,
                licence=licence,
                python=told["python"],
                distribution=folder,
            ),
            end="",
        )


if __name__ == "__main__":
    main()
