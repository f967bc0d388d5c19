"""What the two ways to the catalogue have in common: through a daemon, or directly."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from storewarden.api.deeds import Deed, Restore
from storewarden.api.done import Done

if TYPE_CHECKING:  # for who listens
    from storewarden.client.happened import Event


class Question(NamedTuple):
    """What is asked: its name, of what, what narrows it down (None is not said), of which file."""

    name: str
    at: tuple[str, ...]
    query: Mapping[str, Any] = {}
    file: int | str | None = None


class Backend(Protocol):
    """Carries deeds and questions. Used by any number of threads."""

    @property
    def timeout(self) -> float:
        """The seconds that a call may take."""
        ...

    def tell(self, deeds: Sequence[Deed]) -> list[Done]:
        """Keep all of the deeds, or none of them."""
        ...

    def ask(self, question: Question) -> Any:
        """Return the record that answers a question."""
        ...

    def events(
        self, kinds: Sequence[str], terms: Sequence[str], after: str | None, seconds: float | None
    ) -> Generator[Event, None, None]:
        """Yield what happens after an event, or from now on."""
        ...

    def close(self) -> None:
        """Give back what is held."""
        ...


def told_once(deed: Deed) -> bool:
    """Whether a deed that was kept would be another one, or refused, when it is told again."""
    return isinstance(deed, Restore) or getattr(deed, "must", None) == "be_new"
