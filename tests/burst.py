"""A process that makes small files as fast as it can: burst.py TOP COUNT DIRECTORIES."""

import os
import sys

CONTENT = bytes(100)
FLAGS = os.O_CREAT | os.O_WRONLY | os.O_TRUNC


def main() -> None:
    top, count, directories = os.fsencode(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    open_, write, close = os.open, os.write, os.close
    for number in range(count):
        file = open_(b"%s/d%d/file%07d" % (top, number % directories, number), FLAGS)
        write(file, CONTENT)
        close(file)


if __name__ == "__main__":
    main()
