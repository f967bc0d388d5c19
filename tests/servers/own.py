"""A PostgreSQL server of one test alone, to be stopped, started and filled."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.servers import postgres
from tests.servers.shared import Server, stop


@dataclass
class OwnServer:
    """A server of this test alone."""

    server: Server

    @property
    def url(self) -> str:
        return self.server.url

    def control(self, *words: str) -> None:
        """Do what pg_ctl does: stop, start, restart."""
        programs = postgres.find_programs()
        directory = Path(self.server.directory)
        become = postgres.other_user(directory)
        log = str(directory / "log")
        data = str(directory / "data")
        postgres.run([*become, f"{programs}/pg_ctl", "-D", data, "-l", log, "-w", *words])
        with contextlib.suppress(FileNotFoundError):
            pid = int((directory / "data" / "postmaster.pid").read_text().split()[0])
            self.server = Server(self.server.url, pid, self.server.directory)

    def configure(self, **settings: str) -> None:
        """Write settings that the next start takes up."""
        with (Path(self.server.directory) / "data" / "postgresql.conf").open("a") as file:
            file.writelines(f"{key} = '{value}'\n" for key, value in settings.items())


@contextlib.contextmanager
def own_server() -> Iterator[OwnServer]:
    """Lend a server of its own."""
    own = OwnServer(postgres.start())
    try:
        yield own
    finally:
        stop(own.server)
