"""What a single-file Storewarden begins with: any Python 3 reads it, so that an old one is told."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  # it is not our Python that runs this
    sys.exit(
        "storewarden: needs Python 3.11 or newer, and this is Python "
        + sys.version.split()[0]
        + " ("
        + sys.executable
        + ")\n  -> Debian 12, Ubuntu 24.04 and later bring it; or name one: python3.11 "
        + sys.argv[0]
    )

from unpacking import main

main()
