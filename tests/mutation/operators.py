"""Small wrongs that are done to code, one at a time: what each node of a syntax tree may become.

Words for people (any text with a space, and all of an f-string) are left as they are: golden files
hold those. Annotations, docstrings and imports are no code.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from copy import deepcopy
from typing import Final, NamedTuple

_COMPARISONS: Final[dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_ARITHMETIC: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_FUNCTIONS: Final = {"any": "all", "all": "any", "min": "max", "max": "min"}
_TAKEN_OFF: Final = {"sorted", "reversed", "set", "len"}
_LONG: Final = 110  # characters that are told of a change
_SHOWN: Final = 40
_NEVER: Final = "NotImplementedError"  # raised by nothing of ours


class Change(NamedTuple):
    """A node of the tree, and what stands there instead; ``field`` of ``parent``, at ``index``."""

    parent: ast.AST
    field: str
    index: int | None  # type: ignore[assignment]  # a tuple has a method of this name
    old: ast.AST
    new: ast.AST
    told: str


def changes(parent: ast.AST, field: str, index: int | None, node: ast.AST) -> Iterator[Change]:
    """Yield everything that is done to one node; the tree is not touched."""
    for new in _instead(parent, field, node):
        yield Change(parent, field, index, node, new, _told(_text(node), _text(new)))


def _told(old: str, new: str) -> str:
    """Return what becomes what, cut to what differs where that is long."""
    if len(old) + len(new) <= _LONG:
        return f"{old} → {new}"
    same = _alike(old, new)
    behind = _alike(old[same:][::-1], new[same:][::-1])
    begin = old[: min(same, _SHOWN)] + ("… " if same > _SHOWN else "")
    changed = f"[{old[same : len(old) - behind]} → {new[same : len(new) - behind]}]"
    return begin + changed + ("" if not behind else " …")


def _alike(old: str, new: str) -> int:
    """Return with how many characters both begin."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(old), len(new)))


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.ExceptHandler):
        return f"except {ast.unparse(node.type) if node.type else ''}"
    return " ".join(ast.unparse(node).split())


def _instead(parent: ast.AST, field: str, node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.stmt):
        yield from _statement(node)
    elif isinstance(node, ast.ExceptHandler):
        yield from _handler(node)
    elif isinstance(node, ast.expr):
        if _is_condition(parent, field) and _negatable(node):
            yield ast.UnaryOp(ast.Not(), deepcopy(node))
        yield from _expression(parent, node)


def _is_condition(parent: ast.AST, field: str) -> bool:
    is_test = field == "test" and isinstance(parent, ast.If | ast.While | ast.IfExp)
    return is_test or (field == "ifs" and isinstance(parent, ast.comprehension))


def _negatable(node: ast.expr) -> bool:
    """Tell whether nothing else here already turns a condition round."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return False
    return not (isinstance(node, ast.Compare) and len(node.ops) == 1)


# -- statements -----------------------------------------------------------------------------------


def _statement(node: ast.stmt) -> Iterator[ast.AST]:
    match node:
        case ast.Expr(value=ast.Constant()) | ast.Return(value=ast.Constant(value=None)):
            return  # a docstring; and what would stay as it is
        case (
            ast.Expr()
            | ast.AugAssign()
            | ast.Delete()
            | ast.Return(value=None)
            | ast.Assign(targets=[ast.Attribute() | ast.Subscript(), *_])
        ):
            yield ast.Pass()
        case ast.Return():
            yield ast.Return(ast.Constant(None))
        case ast.Raise():
            yield ast.Pass()
            if node.exc:
                yield ast.Raise(ast.Call(ast.Name(_NEVER, ast.Load()), [], []), None)
        case ast.Continue():
            yield ast.Break()
        case ast.Break():
            yield ast.Continue()
        case ast.With(items=[ast.withitem(optional_vars=None)]):
            yield ast.If(ast.Constant(value=True), deepcopy(node.body), [])
        case ast.Try(finalbody=[_, *_]):
            yield _without_end(node)


def _without_end(node: ast.Try) -> ast.stmt:
    new = deepcopy(node)
    new.finalbody = []
    return new if new.handlers else ast.If(ast.Constant(value=True), new.body, [])


def _handler(node: ast.ExceptHandler) -> Iterator[ast.AST]:
    def caught(kind: ast.expr) -> ast.ExceptHandler:
        return ast.ExceptHandler(kind, node.name, deepcopy(node.body))

    yield caught(ast.Name(_NEVER, ast.Load()))
    if isinstance(node.type, ast.Tuple) and len(node.type.elts) > 1:
        for left_out in range(len(node.type.elts)):
            kinds = [deepcopy(one) for at, one in enumerate(node.type.elts) if at != left_out]
            yield caught(ast.Tuple(kinds, ast.Load()))


# -- expressions ----------------------------------------------------------------------------------


def _expression(parent: ast.AST, node: ast.expr) -> Iterator[ast.AST]:
    match node:
        case ast.Compare():
            yield from _comparison(node)
        case ast.BoolOp():
            other: ast.boolop = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield ast.BoolOp(other, deepcopy(node.values))
            for left_out in range(len(node.values)):
                rest = [deepcopy(one) for at, one in enumerate(node.values) if at != left_out]
                yield rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
        case ast.BinOp() if type(node.op) in _ARITHMETIC and not _is_text(node):
            left, right = deepcopy(node.left), deepcopy(node.right)
            yield ast.BinOp(left, _ARITHMETIC[type(node.op)](), right)
        case ast.UnaryOp(op=ast.Not() | ast.Invert() | ast.USub()):
            yield deepcopy(node.operand)
        case ast.Constant():
            yield from _constant(parent, node)
        case ast.Call():
            yield from _call(node)


def _comparison(node: ast.Compare) -> Iterator[ast.AST]:
    for at, op in enumerate(node.ops):
        for other in _COMPARISONS[type(op)]:
            new = deepcopy(node)
            new.ops[at] = other()
            yield new


def _is_text(node: ast.BinOp) -> bool:
    sides = (node.left, node.right)
    return any(
        isinstance(one, ast.JoinedStr)
        or (isinstance(one, ast.Constant) and isinstance(one.value, str | bytes))
        for one in sides
    )


def _constant(parent: ast.AST, node: ast.Constant) -> Iterator[ast.AST]:
    value = node.value
    if isinstance(parent, ast.JoinedStr | ast.FormattedValue):
        return
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int | float):
        yield ast.Constant(value + 1)
    elif isinstance(value, str) and not any(map(str.isspace, value)):
        yield ast.Constant(value + "x")
    elif isinstance(value, bytes) and value.strip() == value:
        yield ast.Constant(value + b"x")


def _call(node: ast.Call) -> Iterator[ast.AST]:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name in _FUNCTIONS:
        new = deepcopy(node)
        new.func = ast.Name(_FUNCTIONS[name], ast.Load())
        yield new
    if name == "suppress" or ast.unparse(node.func).endswith(".suppress"):
        yield from _without_arguments(node)
        return
    if len(node.args) == 1 and not node.keywords and _may_be_left_out(node):
        yield deepcopy(node.args[0])
    yield from _swapped(node)
    for at, keyword in enumerate(node.keywords):
        if keyword.arg is not None:
            new = deepcopy(node)
            del new.keywords[at]
            yield new


def _without_arguments(node: ast.Call) -> Iterator[ast.AST]:
    for at in range(len(node.args)):
        new = deepcopy(node)
        del new.args[at]
        yield new


def _swapped(node: ast.Call) -> Iterator[ast.AST]:
    """Yield the call with two neighbours swapped, the first that look alike.

    Two of which one is a name and the other a call are of different types as a rule: such a wrong
    shows itself by a crash, and would only make the share of what was found look better.
    """
    for at in range(len(node.args) - 1):
        one, other = node.args[at : at + 2]
        if type(one) is type(other) and not isinstance(one, ast.Starred):
            new = deepcopy(node)
            new.args[at : at + 2] = [deepcopy(other), deepcopy(one)]
            yield new
            return


def _may_be_left_out(node: ast.Call) -> bool:
    """Tell whether a call is replaced by its argument: a function of ours, or one that matters."""
    if isinstance(node.args[0], ast.Starred | ast.GeneratorExp):
        return False
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    return name in _TAKEN_OFF or (name[:1].islower() and not hasattr(builtins, name))
