"""What this process has open, for tests that promise to leave nothing open."""

import os


def held() -> set[str]:
    """Return its descriptors, each with what it is of.

    Sockets do not count: a client of an object store keeps connections for the next test, and
    closes them when it likes.
    """
    found = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            of = os.readlink(f"/proc/self/fd/{name}")
        except FileNotFoundError:  # of the listing itself
            continue
        if not of.startswith("socket:"):
            found.add(f"{name}: {of}")
    return found
