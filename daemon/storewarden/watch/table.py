"""Which watch stands for which directory: a tree of nodes, and a dictionary of watch descriptors.

A kernel watch belongs to an inode, not to a path. So a directory keeps its node when it is
renamed, and only the node's place in the tree changes. A node that was taken out of the tree and
may come back is adrift: it and all below it have no path.

Pure and without locks: the emitter owns it and guards it.
"""

from __future__ import annotations

from collections.abc import Iterator


class Node:
    """One directory. ``watch`` is 0 when the directory is known but cannot be watched."""

    __slots__ = (
        "_path",
        "adrift",
        "children",
        "device",
        "inode",
        "name",
        "parent",
        "said_dirty",
        "said_found",
        "watch",
    )

    def __init__(
        self, parent: Node | None, name: bytes, watch: int, place: tuple[int, int]
    ) -> None:
        self.parent = parent
        self.name = name
        self.watch = watch
        self.device, self.inode = place
        self.adrift = False
        self.said_found = 0.0  # when it was last announced, to be looked at with all below it
        self.said_dirty = 0.0  # or by itself
        self.children: dict[bytes, Node] | None = None  # None: none; most directories are leaves
        self._path: bytes | None = b"" if parent is None else None

    @property
    def place(self) -> tuple[int, int]:
        """Device and inode."""
        return self.device, self.inode

    def child(self, name: bytes) -> Node | None:
        """Return a directory in this one."""
        return self.children.get(name) if self.children else None

    def path(self) -> bytes | None:
        """Return the path from the root; None for what is adrift or below it."""
        if self._path is not None:
            return self._path
        way: list[Node] = []
        node: Node = self
        while node._path is None:
            if node.adrift or node.parent is None:
                return None
            way.append(node)
            node = node.parent
        path = node._path  # noqa: SLF001 -- its own kind
        for node in reversed(way):
            path = path + b"/" + node.name if path else node.name
            node._path = path  # noqa: SLF001 -- its own kind
        return path

    def below(self) -> Iterator[Node]:
        """Yield this node and all below it, parents first."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            if node.children:
                stack.extend(node.children.values())

    def forget_paths(self) -> None:
        """Have the paths of this node and all below it worked out anew."""
        for node in self.below():
            node._path = None  # noqa: SLF001 -- its own kind


class WatchTable:
    """All directories of one root that are watched."""

    def __init__(self, watch: int, place: tuple[int, int]) -> None:
        self.root = Node(None, b"", watch, place)
        self.by_watch: dict[int, Node] = {watch: self.root}
        self._devices: dict[int, int] = {}  # one number object for all nodes of a file system

    def __len__(self) -> int:
        """Return the number of watches."""
        return len(self.by_watch)

    def find(self, path: bytes) -> Node | None:
        """Return the node at a path."""
        node: Node | None = self.root
        if path:
            for name in path.split(b"/"):
                if node is None or node.children is None:
                    return None
                node = node.children.get(name)
        return node

    def add(self, parent: Node, name: bytes, watch: int, place: tuple[int, int]) -> Node:
        """Put a directory into the tree; its place in it and its watch must be free."""
        device = self._devices.setdefault(place[0], place[0])
        node = Node(parent, name, watch, (device, place[1]))
        if parent.children is None:
            parent.children = {}
        parent.children[name] = node
        if watch:
            self.by_watch[watch] = node
        return node

    def unhook(self, node: Node) -> None:
        """Take a directory and all below it out of the tree; their watches stay known."""
        parent = node.parent
        if parent is not None and parent.children and parent.children.get(node.name) is node:
            del parent.children[node.name]
            if not parent.children:
                parent.children = None
        node.adrift = True
        node.forget_paths()

    def move(self, node: Node, parent: Node, name: bytes) -> None:
        """Hang a directory, adrift or not, at another place of the tree; the place must be free."""
        if not node.adrift:
            self.unhook(node)
        node.parent, node.name, node.adrift = parent, name, False
        if parent.children is None:
            parent.children = {}
        parent.children[name] = node
        node.forget_paths()

    def remove(self, node: Node) -> list[int]:
        """Forget a directory and all below it; return the watches that stood for them."""
        if not node.adrift:
            self.unhook(node)
        watches = []
        for one in node.below():
            if one.watch and self.by_watch.get(one.watch) is one:
                del self.by_watch[one.watch]
                watches.append(one.watch)
        return watches

    def drop_watch(self, watch: int) -> Node | None:
        """Forget that a watch stands, as the kernel said it does not; return its node."""
        node = self.by_watch.pop(watch, None)
        if node is not None:
            node.watch = 0
        return node

    def set_watch(self, node: Node, watch: int, place: tuple[int, int]) -> None:
        """Give a node that had no watch its watch."""
        node.watch, node.inode = watch, place[1]
        node.device = self._devices.setdefault(place[0], place[0])
        self.by_watch[watch] = node
