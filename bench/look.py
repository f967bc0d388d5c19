"""``python -m bench.look DIRECTORY``: the facts of every file in it, a line of JSON for each."""

from __future__ import annotations

import json
import os
import sys

from storewarden.facts import wire
from storewarden.facts.inspect import inspect
from storewarden.facts.reader import Reader


def main(directory: bytes) -> None:
    """Look into all files, in one process, as the daemon's inspecting child does."""
    place = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    write = sys.stdout.write
    for name in os.listdir(directory):
        descriptor = os.open(name, os.O_RDONLY, dir_fd=place)
        try:
            facts = inspect(Reader.of_descriptor(descriptor, os.fstat(descriptor).st_size), name)
        finally:
            os.close(descriptor)
        write(json.dumps({"name": os.fsdecode(name), "facts": wire.pack(facts)}) + "\n")


if __name__ == "__main__":
    main(os.fsencode(sys.argv[1]))
