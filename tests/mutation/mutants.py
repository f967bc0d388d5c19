"""All mutants of a source file, each by what it is called, and the code that it comes to."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import CodeType
from typing import Final

from tests.mutation.operators import Change, changes

SOURCE: Final = Path(__file__).parents[2] / "daemon" / "storewarden"
# What is no code: types for readers, and what names are taken from where.
_NOT_CODE: Final = {"annotation", "returns", "type_comment", "type_params"}
_TABLES: Final = ast.Tuple | ast.List | ast.Set


@dataclass(frozen=True)
class Mutant:
    """One small wrong in one place. What it is called stays when lines above it move."""

    file: str  # below the package
    where: str  # the function or class; "" for the module itself
    told: str
    line: int
    lines: range  # a test that runs one of them may kill it
    function: str  # the outermost function that it is in; "" for what runs when it is imported
    number: int  # among all of its file

    @property
    def name(self) -> tuple[str, str, str]:
        return self.file, self.where, self.told


class Source:
    """A source file and its mutants."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.path = SOURCE / file
        self._tree = ast.parse(self.path.read_text(), str(self.path))
        self._changes: list[Change] = []
        self.mutants = tuple(self._all())

    @property
    def module(self) -> str:
        return "storewarden." + self.file.removesuffix(".py").replace("/", ".")

    def code(self, mutant: Mutant) -> CodeType:
        """Return the module with one wrong in it, compiled; as it is for what `unchanged` gave."""
        if mutant.number < 0:
            return compile(self._tree, str(self.path), "exec", dont_inherit=True)
        change = self._changes[mutant.number]
        _put(change, change.new)
        try:
            _locate(change.new, change.old)
            return compile(self._tree, str(self.path), "exec", dont_inherit=True)
        finally:
            _put(change, change.old)

    def unchanged(self) -> Mutant:
        """Return what is no mutant: no test may notice it, or it notices how mutants are tried."""
        return replace(self.mutants[-1], told="nothing is changed", number=-1)

    def _all(self) -> Iterator[Mutant]:
        seen: Counter[tuple[str, str]] = Counter()
        for change, scope, lines in _walk(self._tree, (), range(0)):
            where = ".".join(node.name for node in scope)
            seen[where, change.told] += 1
            nth = seen[where, change.told]
            self._changes.append(change)
            yield Mutant(
                file=self.file,
                where=where,
                told=change.told if nth == 1 else f"{change.told} #{nth}",
                line=change.old.lineno,  # type: ignore[attr-defined]  # only statements and the like
                lines=lines,
                function=_outermost(scope),
                number=len(self._changes) - 1,
            )


_Scope = Sequence[ast.FunctionDef | ast.ClassDef]


def _outermost(scope: _Scope) -> str:
    names = []
    for node in scope:
        names.append(node.name)
        if isinstance(node, ast.FunctionDef):
            return ".".join(names)
    return ""


def _walk(node: ast.AST, scope: _Scope, lines: range) -> Iterator[tuple[Change, _Scope, range]]:
    for field, value in ast.iter_fields(node):
        if field in _NOT_CODE:
            continue
        inner = scope
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and field == "body":
            inner = (*scope, node)
        elif field == "decorator_list":
            continue
        many = isinstance(value, list)
        for index, child in enumerate(value if many else [value]):
            if not isinstance(child, ast.AST) or _is_no_code(child):
                continue
            within = _lines(child, lines)
            for change in changes(node, field, index if many else None, child):
                yield change, inner, within
            if many and isinstance(node, _TABLES) and not inner:
                yield _left_out(node, field, index, child), inner, within
            yield from _walk(child, inner, within)


def _is_no_code(node: ast.AST) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom | ast.JoinedStr):
        return True
    if isinstance(node, ast.AnnAssign | ast.Assign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return any(isinstance(one, ast.Name) and one.id == "__slots__" for one in targets)
    # What only types are made of: NAME: X = Callable[...], Literal[...].
    return isinstance(node, ast.Subscript) and ast.unparse(node.value) in {"Callable", "Literal"}


def _left_out(parent: ast.AST, field: str, index: int, child: ast.AST) -> Change:
    nothing = ast.Starred(ast.Tuple([], ast.Load()), ast.Load())
    return Change(parent, field, index, child, nothing, f"{ast.unparse(child)} left out")


def _lines(node: ast.AST, around: range) -> range:
    """Return where the statement of a node is, without the statements inside it."""
    if isinstance(node, ast.stmt | ast.ExceptHandler):
        inside = [*getattr(node, "body", ()), *getattr(node, "handlers", ())]
        end = min((one.lineno - 1 for one in inside), default=node.end_lineno or node.lineno)
        return range(node.lineno, max(end, node.lineno) + 1)
    return around


def _put(change: Change, node: ast.AST) -> None:
    if change.index is None:
        setattr(change.parent, change.field, node)
    else:
        getattr(change.parent, change.field)[change.index] = node


def _locate(new: ast.AST, old: ast.AST) -> None:
    """Let a new node stand on the line of the old one, so that whatever tells of lines is right."""
    for node in ast.walk(new):
        for name in ("lineno", "col_offset", "end_lineno", "end_col_offset"):
            if name not in vars(node):
                setattr(node, name, getattr(old, name))
    ast.fix_missing_locations(new)


def function_code(module: CodeType, function: str) -> CodeType | None:
    """Return the code of a function of a compiled module, by its name with its class before it."""
    for one in module.co_consts:
        if isinstance(one, CodeType):
            if one.co_qualname == function:
                return one
            found = function_code(one, function)
            if found is not None:
                return found
    return None
