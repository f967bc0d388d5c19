"""``python -m storewarden`` is the command ``storewarden``."""

import sys

from storewarden.cli import main

if __name__ == "__main__":
    sys.exit(main())
