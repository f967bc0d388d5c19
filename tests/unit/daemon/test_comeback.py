"""A catalogue that was away, or was started anew, is doubted once; one that is busy is not."""

import pytest

from storewarden.daemon.comeback import REASON, Comeback
from storewarden.errors import CatalogueBusy, CatalogueFull, CatalogueUnavailable


class Server:
    def __init__(self) -> None:
        self.since = "monday"
        self.error: CatalogueUnavailable | None = None

    def incarnation(self) -> str:
        if self.error is not None:
            raise self.error
        return self.since


class Scene:
    def __init__(self) -> None:
        self.server = Server()
        self.scans: list[str] = []
        self.comeback = Comeback(self.server, self.scans.append)  # type: ignore[arg-type]  # all that is asked of it


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_all_is_scanned_once_when_the_catalogue_is_back(scene: Scene) -> None:
    scene.comeback.failed(CatalogueUnavailable("away"))
    scene.comeback.failed(CatalogueUnavailable("away"))
    assert scene.scans == []

    scene.comeback.works()
    scene.comeback.works()
    assert scene.scans == [REASON]


def test_a_catalogue_that_is_busy_or_full_lost_nothing(scene: Scene) -> None:
    scene.comeback.failed(CatalogueBusy("busy"))
    scene.comeback.failed(CatalogueFull("full"))
    scene.comeback.works()

    assert scene.scans == []


def test_a_server_that_was_started_anew_between_two_looks_is_doubted(scene: Scene) -> None:
    scene.comeback.look()
    assert scene.scans == []

    scene.server.since = "tuesday"
    scene.comeback.look()
    scene.comeback.look()
    assert scene.scans == [REASON]


def test_a_server_that_cannot_be_asked_is_asked_again(scene: Scene) -> None:
    scene.server.error = CatalogueUnavailable("away")
    with pytest.raises(CatalogueUnavailable) as caught:
        scene.comeback.look()
    scene.comeback.failed(caught.value)
    scene.server.error = None
    scene.comeback.look()

    assert scene.scans == [REASON]
