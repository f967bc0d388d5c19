"""What starts the program in a package."""

import sys

from storewarden.cli import main

sys.exit(main())
