"""Nothing that was noted is ever forgotten, whatever order things happen in."""

from dataclasses import dataclass, field

from hypothesis import example, given, settings
from hypothesis import strategies as st

from storewarden.model import Hint
from storewarden.watch.settle import Rest, Settle, SettleSettings

DIRECTORIES = (b"", b"a", b"a/b", b"c")
NAMES = (b"one", b"two", b"big.part")
LONG = 4000.0  # more than any file that rests is waited for

directories = st.sampled_from(DIRECTORIES)
names = st.sampled_from(NAMES)
actions = st.one_of(
    st.tuples(st.just("note"), directories, names, st.sampled_from(Hint)),
    st.tuples(st.just("write"), directories, names),
    st.tuples(st.just("delete"), directories, names),
    st.tuples(st.just("wait"), st.sampled_from([0.1, 0.6, 2.1, 31.0, 90.0])),
    st.tuples(st.just("look"), st.integers(1, 5), st.booleans()),
    st.tuples(st.just("look unasked"), directories, names),
    st.tuples(st.just("forget to look"), st.integers(1, 5)),
    st.tuples(st.just("move"), st.sampled_from([(b"a", b"x"), (b"a/b", b"c/y"), (b"x", b"a")])),
    st.tuples(
        st.just("list"),
    ),
)


@dataclass
class World:
    """Files that change, a recorder that looks, and what it owes: names noted and not resolved."""

    settle: Settle
    now: float = 0.0
    files: dict[tuple[bytes, bytes], int] = field(default_factory=dict)
    owed: set[tuple[bytes, bytes]] = field(default_factory=set)
    asked: set[tuple[bytes, bytes]] = field(default_factory=set)  # no answer yet, not noted again
    verdicts: dict[tuple[bytes, bytes], Rest] = field(default_factory=dict)
    recorded: dict[tuple[bytes, bytes], int | None] = field(default_factory=dict)
    version: int = 0

    def do(self, action: tuple) -> None:  # type: ignore[type-arg]  # its shape is in ``actions``
        what, *rest = action
        getattr(self, what.replace(" ", "_"))(*rest)

    def note(self, directory: bytes, name: bytes, hint: Hint) -> None:
        self.settle.note(directory, name, hint, self.now)
        self.owed.add((directory, name))
        self.asked.discard((directory, name))

    def write(self, directory: bytes, name: bytes) -> None:
        self.version += 1
        self.files[directory, name] = self.version

    def delete(self, directory: bytes, name: bytes) -> None:
        self.files.pop((directory, name), None)

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def look(self, limit: int, closed: bool) -> None:  # noqa: FBT001 -- drawn by position
        for key in self.ask(limit):
            self.answer(key, closed=closed)

    def ask(self, limit: int) -> list[tuple[bytes, bytes]]:
        due = self.settle.due(self.now, limit)
        assert len(due) <= limit
        assert len(set(due)) == len(due)
        self.asked = set(due)
        return due

    def answer(self, key: tuple[bytes, bytes], *, closed: bool = False) -> Rest:
        """Tell what is there. Only what was asked for is paid: a note since then may be of more."""
        version = self.files.get(key)
        signature = None if version is None else (1, version, version, version)
        rest = self.settle.seen(*key, signature, closed and version is not None, self.now)
        assert (rest is Rest.GONE) <= (version is None)
        assert (rest is Rest.SETTLED) <= (version is not None)
        if rest is not Rest.WAIT:
            self.verdicts[key] = rest
            self.recorded[key] = version
        if key in self.asked and rest in {Rest.SETTLED, Rest.GONE}:
            self.owed.discard(key)
        self.asked.discard(key)
        return rest

    def look_unasked(self, directory: bytes, name: bytes) -> None:
        """Look as a scan does: what was not at rest then is under way from now on."""
        key = directory, name
        if self.answer(key) is Rest.WAIT and self.files.get(key) != self.recorded.get(key):
            self.owed.add(key)

    def forget_to_look(self, limit: int) -> None:
        self.ask(limit)

    def move(self, names: tuple[bytes, bytes]) -> None:
        old, new = names
        self.settle.moved(old, new)
        self.owed = {(moved(d, old, new), n) for d, n in self.owed}
        self.asked = {(moved(d, old, new), n) for d, n in self.asked}
        self.files = {(moved(d, old, new), n): v for (d, n), v in self.files.items()}
        self.verdicts = {(moved(d, old, new), n): v for (d, n), v in self.verdicts.items()}
        self.recorded = {(moved(d, old, new), n): v for (d, n), v in self.recorded.items()}

    def list(self) -> None:
        """Do what the pipeline does with directories there was no room for."""
        for directory in self.settle.overflow():
            self.owed -= {key for key in self.owed if key[0] == directory}


def moved(directory: bytes, old: bytes, new: bytes) -> bytes:
    inside = directory == old or directory.startswith(old + b"/")
    return new + directory[len(old) :] if inside else directory


def at_rest(world: World) -> None:
    """Let all files rest, and do every look that is due until nothing is."""
    end = world.now + LONG
    while (due := world.settle.next_due()) is not None:
        assert due < end
        world.now = max(world.now, due)
        world.look(100, closed=False)
    world.list()


PAUSED = [
    *[("write", b"a", b"one"), ("note", b"a", b"one", Hint.OPENED)],
    *[("wait", 0.6), ("look", 1, False), ("wait", 2.1), ("look", 1, False)],
    *[("write", b"a", b"one"), ("look unasked", b"a", b"one")],
]


# 0.7 - 0.2 is a little less than 0.5: looked at in the same moment for ever
ROUNDED = [("write", b"", b"one"), ("note", b"", b"one", Hint.OPENED), ("wait", 0.1), ("wait", 0.1)]

# Whoever looks first answers what was asked.
BEATEN = [
    *[("write", b"", b"one"), ("note", b"", b"one", Hint.OPENED)],
    *[("forget to look", 1), ("look unasked", b"", b"one")],
]


@settings(deadline=None, max_examples=300)
@example(script=PAUSED, settle=2.0, most=1000)
@example(script=ROUNDED, settle=0.5, most=2)
@example(script=BEATEN, settle=0.0, most=2)
@given(
    script=st.lists(actions, max_size=60),
    settle=st.sampled_from([0.0, 0.5, 2.0, 30.0]),
    most=st.sampled_from([2, 1000]),
)
def test_nothing_noted_is_forgotten(script: list[tuple], settle: float, most: int) -> None:  # type: ignore[type-arg]
    world = World(Settle(SettleSettings(settle, 60.0, most), lambda name: name.endswith(b".part")))
    for action in script:
        world.do(action)
        assert 0 <= world.settle.pending() <= max(most, 1)

    at_rest(world)

    assert world.owed == set()
    assert world.settle.pending() == 0
    assert world.settle.next_due() is None
    for key, rest in world.verdicts.items():
        if rest is not Rest.GONE and key in world.files:
            assert rest is Rest.SETTLED


@settings(deadline=None, max_examples=100)
@given(script=st.lists(actions, max_size=60))
def test_what_is_handed_over_at_the_end_is_all_that_is_owed(script: list[tuple]) -> None:  # type: ignore[type-arg]
    world = World(Settle(SettleSettings(2.0, 60.0, 1000)))
    for action in script:
        world.do(action)

    drained = {
        (directory, name) for directory, names in world.settle.drain().items() for name in names
    }

    assert world.owed <= drained
