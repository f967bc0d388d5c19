"""The table of watches against a plain dictionary of paths."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    precondition,
    rule,
)

from storewarden.watch.table import Node, WatchTable

NAMES = st.sampled_from([b"a", b"b", b"c", b"\xff\n"])


class Table(RuleBasedStateMachine):
    """``where`` maps each watch to its path as a tuple of names; None: adrift, or below that."""

    nodes = Bundle("nodes")

    def __init__(self) -> None:
        super().__init__()
        self.table = WatchTable(1, (7, 1))
        self.where: dict[int, tuple[bytes, ...] | None] = {1: ()}
        self.last = 1

    def path(self, node: Node) -> tuple[bytes, ...] | None:
        return self.where.get(node.watch)

    def below(self, node: Node) -> list[int]:
        return [one.watch for one in node.below()]

    @rule(target=nodes)
    def root(self) -> Node:
        return self.table.root

    @rule(target=nodes, parent=nodes, name=NAMES)
    def add(self, parent: Node, name: bytes) -> Node:
        if parent.watch not in self.where or parent.child(name) is not None:
            return self.table.root
        self.last += 1
        node = self.table.add(parent, name, self.last, (7, self.last))
        above = self.path(parent)
        self.where[self.last] = None if above is None else (*above, name)
        return node

    @rule(node=nodes)
    def unhook(self, node: Node) -> None:
        if node.watch not in self.where or node is self.table.root:
            return
        self.table.unhook(node)
        for watch in self.below(node):
            self.where[watch] = None

    @rule(node=nodes, parent=nodes, name=NAMES)
    def move(self, node: Node, parent: Node, name: bytes) -> None:
        gone = node.watch not in self.where or parent.watch not in self.where
        if (
            gone
            or node is self.table.root
            or parent.watch in self.below(node)
            or parent.child(name) is not None
        ):
            return
        self.table.move(node, parent, name)
        for one in node.below():
            above = self.path(one.parent) if one.parent is not None else ()
            self.where[one.watch] = None if above is None else (*above, one.name)

    @rule(target=nodes, node=consumes(nodes))
    def remove(self, node: Node) -> object:
        if node.watch not in self.where or node is self.table.root:
            return multiple()
        expected = sorted(self.below(node))
        assert sorted(self.table.remove(node)) == expected
        for watch in expected:
            del self.where[watch]
        return multiple()

    @precondition(lambda self: len(self.where) > 1)
    @rule(node=nodes)
    def lose_the_watch_and_find_it_again(self, node: Node) -> None:
        if node.watch not in self.where:
            return
        watch = node.watch
        assert self.table.drop_watch(watch) is node
        assert self.table.drop_watch(watch) is None
        self.table.set_watch(node, watch, (8, 99))
        assert node.place == (8, 99)

    @invariant()
    def every_path_is_right(self) -> None:
        assert set(self.table.by_watch) == set(self.where)
        assert len(self.table) == len(self.where)
        for watch, node in self.table.by_watch.items():
            names = self.where[watch]
            path = None if names is None else b"/".join(names)
            assert node.path() == path
            if path is not None:
                assert self.table.find(path) is node

    @invariant()
    def the_tree_holds_exactly_what_has_a_path(self) -> None:
        attached = {node.watch for node in self.table.root.below()}
        assert attached == {watch for watch, names in self.where.items() if names is not None}


TestTable = Table.TestCase
TestTable.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)


def test_what_is_not_there_is_not_found() -> None:
    table = WatchTable(1, (7, 1))
    table.add(table.root, b"a", 2, (7, 2))

    assert table.find(b"b") is None
    assert table.find(b"a/b/c") is None
    assert table.root.place == (7, 1)
