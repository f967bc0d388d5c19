"""Any file and any variable is read or told its problems; what is written is read back."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as some

from storewarden.config.build import build
from storewarden.config.changes import changed
from storewarden.config.cross import check
from storewarden.config.environment import overlay
from storewarden.config.keys import ROOT_KEYS, TOP
from storewarden.config.problems import Origin, Place, Problems
from storewarden.config.schema import (
    EVENTS,
    ApiSettings,
    HttpSettings,
    Listen,
    ListenerSettings,
    LogSettings,
    RootSettings,
    Settings,
    StoreSettings,
)
from storewarden.config.yamltext import Mapping, read
from storewarden.units import write_duration, write_share

HERE = Path("/here")
ORIGIN = Origin("file", HERE)
HOME = {"HOME": "/home/warden"}

words = some.sampled_from(
    [*TOP, *(key.name for key in ROOT_KEYS), "listen", "level", "true", "no", "~", "5s", "10%"]
)
signs = some.sampled_from(
    [": ", "- ", "\n", "\n  ", "{", "}", "[", "]", ", ", "#", "&a ", "*a", '"']
)
near_yaml = some.lists(words | signs | some.text(max_size=3), max_size=40).map("".join)
names = some.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True)


def load(text: str, environ: dict[str, str]) -> tuple[Settings | None, Problems]:
    """Do what loading does, without a file."""
    problems = Problems()
    tree = read(text.encode("utf-8", "surrogatepass"), ORIGIN, problems)
    if not isinstance(tree, Mapping):
        return None, problems
    overlay(tree, environ, HERE, problems)
    built = build(tree, {**HOME, **environ}, problems, "file")
    check(built, problems)
    return built.settings, problems


@given(near_yaml | some.text())
def test_any_text_is_settings_or_problems_each_on_its_line(text: str) -> None:
    settings, problems = load(text, {})
    lines = problems.lines()

    assert [line for line in lines if len(line.splitlines()) != 1 or not line.isprintable()] == []
    assert settings is None or lines or settings.roots


@given(some.binary(max_size=200))
def test_any_bytes_are_a_tree_or_problems(data: bytes) -> None:
    problems = Problems()

    tree = read(data, ORIGIN, problems)

    assert tree is not None or problems.found


variables = some.builds(
    lambda keys, end: "STOREWARDEN_" + "_".join(keys).upper() + end,
    some.lists(words | names, max_size=4),
    some.sampled_from(["", "_", "X"]),
)


@given(some.dictionaries(variables, some.text(min_size=1) | near_yaml, max_size=4))
def test_any_variables_are_settings_or_problems(environ: dict[str, str]) -> None:
    settings, problems = load("roots: {a: /a, b-c: {path: /b}}\nstate: /s\n", environ)

    assert settings is not None or problems.found
    assert [line for line in problems.lines() if not line.isprintable()] == []


times = some.integers(1_000, 3_600_000).map(lambda milliseconds: milliseconds / 1000)
long_times = some.integers(3_600_001, 86_400_000).map(lambda milliseconds: milliseconds / 1000)
roots = some.builds(
    RootSettings,
    name=names,
    path=names.map(lambda name: b"/m/" + name.encode()),
    watch=some.sampled_from(["auto", "inotify", "poll"]),
    settle=times,
    settle_cap=long_times,
    exclude=some.lists(names.map("*.{}".format), unique=True).map(tuple),
    rescan=times,
    poll=times,
    missing_share=some.integers(0, 100).map(lambda hundredths: hundredths / 100),
    digest=some.booleans(),
    inspect=some.booleans(),
    places=some.lists(names.map("{{workflow}}/{}".format), unique=True).map(tuple),
    usage_keep=some.integers(86_400, 3650 * 86_400).map(float),
)
prices = some.none() | some.integers(0, 1000).map(lambda cents: cents / 100)
stores = names.flatmap(
    lambda name: some.builds(
        StoreSettings,
        name=some.just(name),
        path=some.just(None if name == "local" else b"/stores/" + name.encode()),
        gib_month=prices,
        gib_out=prices,
    )
)
listeners = names.flatmap(
    lambda name: some.builds(
        ListenerSettings,
        name=some.just(name),
        url=some.sampled_from(["https://a.example/x?y=z", "http://[::1]:80", "redis://h:1/0"]),
        events=some.lists(some.sampled_from(EVENTS), unique=True).map(tuple),
        files=some.lists(some.sampled_from(["kind=video", "size>1MiB"]), unique=True).map(tuple),
        timeout=some.integers(1, 300).map(float),
    )
)
everything = some.builds(
    Settings,
    state=some.just(Path("/s")),
    catalogue=some.sampled_from(["sqlite", "sqlite:///x/y.db", "postgresql://u@h:1/d?a=b"]),
    roots=some.lists(
        roots,
        min_size=1,
        max_size=3,
        unique_by=(lambda root: root.name.replace("-", "_"), lambda root: root.path),
    ).map(tuple),
    http=some.builds(
        HttpSettings,
        some.builds(
            Listen, some.sampled_from(["127.0.0.1", "::1"]), some.integers(0, 65535), some.none()
        )
        | some.just(Listen("", None, b"/run/storewarden/http.sock")),
        some.none(),
    ),
    watch_share=some.integers(1, 100).map(lambda hundredths: hundredths / 100),
    log=some.builds(LogSettings, level=some.sampled_from(["debug", "error"])),
    policies=some.lists(some.sampled_from(["/p", "/q/r", "shipped:trae"]), unique=True).map(tuple),
    stores=some.lists(stores, max_size=3, unique_by=lambda store: store.name).map(tuple),
    currency=some.sampled_from(["EUR", "USD"]),
    api=some.builds(
        ApiSettings,
        some.sampled_from([Path("/s/api.sock"), Path("/x/y.sock"), None]),
        some.sampled_from(["none", "read", "write"]),
        some.sampled_from(["none", "read"]),
        some.integers(3600, 400 * 86_400).map(float),
        some.sampled_from([0.0, 400 * 86_400.0]),
        some.just(86_400.0),
    ),
    listeners=some.lists(
        listeners, max_size=3, unique_by=lambda one: one.name.replace("-", "_")
    ).map(tuple),
    source=some.just("file"),
)


def _kept(seconds: float) -> str:
    return write_duration(seconds) if seconds else "never"


def written(settings: Settings) -> str:
    """Write settings as a person would."""
    lines = [f"state: {settings.state}", f"catalogue: {settings.catalogue}"]
    lines += [f"watch_share: {write_share(settings.watch_share)}"]
    lines += [
        f'http: {{listen: "{settings.http.listen}"}}',
        "api:",
        f"  socket: {settings.api.socket or 'none'}",
        f"  socket_without_token: {settings.api.socket_without_token}",
        f"  loopback_without_token: {settings.api.loopback_without_token}",
        f"  keep_events: {write_duration(settings.api.keep_events)}",
        f"  keep_usage: {_kept(settings.api.keep_usage)}",
        f"  keep_chats: {_kept(settings.api.keep_chats)}",
        f"log: {{level: {settings.log.level}}}",
    ]
    lines += ["listeners:"] if settings.listeners else []
    for listener in settings.listeners:
        lines += [
            f"  {listener.name}:",
            f"    url: '{listener.url}'",
            f"    events: [{', '.join(listener.events)}]",
            f"    files: [{', '.join(map(repr, listener.files))}]",
            f"    timeout: {write_duration(listener.timeout)}",
        ]
    lines += [f"policies: [{', '.join(settings.policies)}]", f"currency: {settings.currency}"]
    lines += ["stores:"] if settings.stores else []
    for store in settings.stores:
        price = {"gib_month": store.gib_month, "gib_out": store.gib_out}
        told = [f"{name}: {value}" for name, value in price.items() if value is not None]
        parts = [f"path: {store.path.decode()}"] if store.path else []
        parts += [f"price: {{{', '.join(told)}}}"] if told else []
        lines += [f"  {store.name}: {{{', '.join(parts)}}}"]
    lines += ["roots:"]
    for root in settings.roots:
        share = write_share(root.missing_share) if root.missing_share else "never"
        lines += [
            f"  {root.name}:",
            f"    path: {root.path.decode()}",
            f"    watch: {root.watch}",
            f"    settle: {write_duration(root.settle)}",
            f"    settle_cap: {write_duration(root.settle_cap)}",
            f"    exclude: [{', '.join(map(repr, root.exclude))}]",
            f"    rescan: {write_duration(root.rescan)}",
            f"    poll: {write_duration(root.poll)}",
            f"    missing_share: {share}",
            f"    digest: {str(root.digest).lower()}",
            f"    inspect: {str(root.inspect).lower()}",
            f"    places: [{', '.join(map(repr, root.places))}]",
            f"    usage_keep: {write_duration(root.usage_keep)}",
        ]
    return "\n".join(lines)


@given(everything)
def test_settings_that_are_written_are_read_back(settings: Settings) -> None:
    read_back, problems = load(written(settings), {})

    assert problems.lines() == ()
    assert read_back == settings


@given(everything, everything)
def test_a_reload_names_what_differs_and_nothing_else(old: Settings, new: Settings) -> None:
    assert changed(old, old) == ()
    assert (changed(old, new) == ()) == (set(old.roots) == set(new.roots) and _rest(old, new))


def _rest(old: Settings, new: Settings) -> bool:
    fields = ("catalogue", "http", "watch_share", "log", "policies", "currency", "api")
    same = all(getattr(old, field) == getattr(new, field) for field in fields)
    named = (set(old.stores), set(old.listeners)) == (set(new.stores), set(new.listeners))
    return same and named


def test_a_place_without_a_line_is_its_origin() -> None:
    assert str(Place(ORIGIN)) == "file"
