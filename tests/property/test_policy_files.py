"""Any tree of keys and values is a set of policies or told as mistakes, and nothing else."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as some

from storewarden.config.problems import Origin, Place, Problems
from storewarden.config.yamltext import Broken, Entry, Items, Mapping, Node, Scalar
from storewarden.errors import PolicyError
from storewarden.policy import load
from storewarden.policy.language import keys
from storewarden.policy.language.match import KNOWN
from storewarden.policy.language.values import Reader
from storewarden.policy.rules import PolicySet

PLACE = Place(Origin("a.yaml", Path("/")), 1, 1)
NAMES = sorted(
    {
        key.name
        for group in (
            keys.TOP,
            keys.POLICY,
            keys.PLACES,
            keys.EVALUATION,
            keys.PHASE,
            keys.CARES,
            keys.BACKUPS,
            keys.VACUUMS,
            keys.TRIGGERS,
            keys.PRESSURES,
            keys.GUARDS,
            keys.TEST,
            keys.EXPECTED,
        )
        for key in group
    }
    | {*KNOWN, "rows", "state", "a"}
)
texts = some.sampled_from(
    [
        *("1", "a", "b", "local", "cloud", "30d", "> 30d", ">= 4", "10%", "1GiB", "true", "~", ""),
        *("never", "video", "database", "event", "archive", "purge", "opens_per_day >= 5"),
        "0 3 * * *",
    ]
)
scalars = some.builds(Scalar, some.just(PLACE), texts | some.text(max_size=5), some.booleans())
broken = some.just(Broken(PLACE))


def trees(inner: some.SearchStrategy[Node]) -> some.SearchStrategy[Node]:
    entries = some.builds(Entry, some.just(PLACE), inner)
    names = some.sampled_from(NAMES) | some.text(max_size=3)
    return some.builds(Items, some.just(PLACE), some.lists(inner, max_size=3)) | some.builds(
        Mapping, some.just(PLACE), some.dictionaries(names, entries, max_size=5)
    )


nodes: some.SearchStrategy[Node] = some.recursive(scalars | broken, trees, max_leaves=25)


def under(name: str, node: Node) -> Mapping:
    return Mapping(PLACE, {name: Entry(PLACE, node)})


def policy(entries: dict[str, Node]) -> Mapping:
    known: dict[str, Node] = {"id": Scalar(PLACE, "a"), "match": Scalar(PLACE, "c")}
    return Mapping(PLACE, {name: Entry(PLACE, node) for name, node in (known | entries).items()})


def read(tree: Node) -> PolicySet | tuple[str, ...]:
    """Do what reading a file does, from its tree on."""
    whole = load._Whole(Reader(Problems(), ("cloud",), ("a.b",)))
    whole.take_tree(tree)
    policies, classes, tests = whole.finish()
    if whole.reader.problems.found:
        return PolicyError(whole.reader.problems.lines()).problems
    return PolicySet(policies, classes, tests)


@given(nodes)
def test_any_tree_is_read_or_refused(tree: Node) -> None:
    found = read(tree)

    assert isinstance(found, PolicySet) or all(line.isprintable() for line in found)


@settings(max_examples=400)
@given(
    some.dictionaries(some.sampled_from([key.name for key in keys.POLICY]), nodes, max_size=4),
    nodes,
    nodes,
    nodes,
)
def test_any_policy_class_guard_and_test_is_read_or_refused(
    entries: dict[str, Node], condition: Node, guard: Node, test: Node
) -> None:
    tree = Mapping(
        PLACE,
        {
            "version": Entry(PLACE, Scalar(PLACE, "1")),
            "classes": Entry(PLACE, under("c", condition)),
            "policies": Entry(PLACE, Items(PLACE, [policy(entries)])),
            "guard": Entry(PLACE, guard),
            "tests": Entry(PLACE, Items(PLACE, [test])),
        },
    )

    found = read(tree)

    assert isinstance(found, PolicySet) or all(line.isprintable() for line in found)


@given(some.binary(max_size=100) | some.text().map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        load.read([("a.yaml", data)])
    except PolicyError as error:
        refused = error.problems
    else:
        refused = ("read",)

    assert refused
