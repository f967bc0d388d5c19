"""What variables say, and what they say wrongly."""

import os
from pathlib import Path

import pytest

from storewarden.config.environment import variable
from storewarden.config.keys import GROUPS, ROOT_KEYS, SINGLE
from storewarden.config.schema import RootSettings
from tests.unit.config.asking import problems, settings

FILE = """
    state: /s
    catalogue: sqlite
    roots: {one: /one, two-b: {path: /two, settle: 3s}}
    http: {listen: "127.0.0.1:1"}
    """


def test_every_key_has_a_variable(tmp_path: Path) -> None:
    environ = {variable(key.name): key.example for key in SINGLE}
    environ |= {variable("roots", "x", key.name): key.example for key in ROOT_KEYS}
    for group, keys in GROUPS.items():
        environ |= {variable(group, key.name): key.example for key in keys}

    loaded = settings(tmp_path, None, environ)

    assert loaded.state == Path("/var/lib/storewarden")
    assert loaded.catalogue == "postgresql://storewarden@db.example.org/storewarden"
    assert loaded.watch_share == 0.5
    assert loaded.http.listen.port is None
    assert (loaded.log.level, loaded.log.format) == ("debug", "json")
    assert loaded.roots == (
        RootSettings(
            name="x",
            path=b"/srv/media/uploads",
            watch="inotify",
            settle=0.5,
            settle_cap=300.0,
            exclude=("*.bak", "node_modules/"),
            partial=("*.part", "*.uploading"),
            rescan=21_600.0,
            poll=120.0,
            missing_share=0.05,
            digest=False,
            inspect=False,
            places=("{workflow}/images/scene_{scene}.{ext}",),
            usage=True,
            usage_keep=90 * 86_400.0,
        ),
    )
    assert loaded.source == f"the built-in defaults and {', '.join(sorted(environ))}"


def test_a_variable_replaces_its_key_and_nothing_beside_it(tmp_path: Path) -> None:
    loaded = settings(
        tmp_path,
        FILE,
        {
            "STOREWARDEN_ROOTS_ONE_EXCLUDE": "*.a, *.b",
            "STOREWARDEN_ROOTS_TWO_B_POLL": "5s",
            "STOREWARDEN_LOG_LEVEL": "error",
        },
    )

    assert loaded.roots == (
        RootSettings("one", b"/one", exclude=("*.a", "*.b")),
        RootSettings("two-b", b"/two", settle=3.0, poll=5.0),
    )
    assert loaded.http.listen.port == 1
    assert loaded.log.level == "error"


def test_paths_of_variables_begin_in_the_current_directory(tmp_path: Path) -> None:
    environ = {"STOREWARDEN_ROOTS_ONE": "in", "STOREWARDEN_ROOTS_TWO_B_PATH": "../out"}

    roots = settings(tmp_path, FILE, environ).roots

    above = tmp_path.parent
    assert [root.path for root in roots] == [os.fsencode(tmp_path / "in"), bytes(above / "out")]


def test_bytes_that_are_no_utf8_come_through(tmp_path: Path) -> None:
    path = os.fsdecode(b"/srv/\xff\xfe")

    assert settings(tmp_path, FILE, {"STOREWARDEN_ROOTS_ONE_PATH": path}).roots[0].path == (
        b"/srv/\xff\xfe"
    )


def test_a_group_replaces_the_files(tmp_path: Path) -> None:
    environ = {
        "STOREWARDEN_ROOTS": "{a: /x, b: {path: y, digest: false}}",
        "STOREWARDEN_ROOTS_A_SETTLE": "1s",
        "STOREWARDEN_LOG": "{level: debug}",
    }

    loaded = settings(tmp_path, FILE, environ)

    assert loaded.roots == (
        RootSettings("a", b"/x", settle=1.0),
        RootSettings("b", os.fsencode(tmp_path / "y"), digest=False),
    )
    assert loaded.log.level == "debug"


def test_a_root_of_another_name_takes_the_place_of_the_built_in_ones(tmp_path: Path) -> None:
    environ = {"STOREWARDEN_ROOTS_MEDIA_PATH": "/media"}

    assert settings(tmp_path, None, environ).roots == (RootSettings("media", b"/media"),)


def test_a_built_in_root_elsewhere_is_not_made_by_us(tmp_path: Path) -> None:
    environ = {"STOREWARDEN_ROOTS_UPLOADS_PATH": "/up"}

    assert settings(tmp_path, None, environ).roots == (
        RootSettings("save_outputs", os.fsencode(tmp_path / "save_outputs"), create=True),
        RootSettings("uploads", b"/up"),
    )


def test_a_built_in_root_can_be_tuned(tmp_path: Path) -> None:
    environ = {"STOREWARDEN_ROOTS_UPLOADS_SETTLE_CAP": "5min"}

    root = settings(tmp_path, None, environ).roots[1]

    assert (root.name, root.settle_cap, root.create) == ("uploads", 300.0, True)


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("CATALOG", "x", "is an unknown variable; did you mean STOREWARDEN_CATALOGUE?"),
        ("CONFIGG", "x", "is an unknown variable; did you mean STOREWARDEN_CONFIG?"),
        ("PASSWORD", "x", "is an unknown variable; unset it"),
        ("", "x", "is an unknown variable; unset it"),
        (
            "ROOTS_ONE_SETLE",
            "1s",
            "is an unknown variable; did you mean STOREWARDEN_ROOTS_ONE_SETTLE?",
        ),
        ("ROOTS_ON_SETTLE", "1s", "there is no root on; did you mean ONE?"),
        ("ROOTS_X_SETTLE", "1s", "there is no root x; add it by STOREWARDEN_ROOTS_X_PATH"),
        (
            "ROOTS_ELSE",
            "/else",
            "is an unknown variable; a root is added by STOREWARDEN_ROOTS_NAME_PATH",
        ),
        ("ROOTS__PATH", "/x", "is an unknown variable; did you mean STOREWARDEN_ROOTS_ONE_PATH?"),
        ("ROOTS_9_PATH", "/x", "roots.9: '9' is no name; a name is a-z, then a-z 0-9 _ - "),
        ("CATALOGUE", "", "catalogue: is empty; unset it"),
        ("CATALOGUE", " ", "catalogue: is empty; unset it"),
        (
            "ROOTS_ONE_EXCLUDE",
            "",
            "roots.one.exclude: is empty; unset it, or write [] for an empty list",
        ),
        ("ROOTS_ONE_EXCLUDE", "a,,b", "roots.one.exclude.1: an empty pattern; remove it"),
        ("ROOTS_ONE_DIGEST", "yes", "roots.one.digest: 'yes' is not true or false; write true or"),
        ("ROOTS_ONE_SETTLE", "5m", "roots.one.settle: m is ambiguous: minutes or months; "),
        ("HTTP", "x", "http: is not keys with values; write {key: value}, or use the variables "),
        ("HTTP_LISTEN", "0.0.0.0:1", "http.listen: 0.0.0.0 can be reached from other machines; "),
    ],
)
def test_a_problem_names_its_variable(tmp_path: Path, name: str, text: str, problem: str) -> None:
    (told,) = problems(tmp_path, FILE, {f"STOREWARDEN_{name}": text})

    assert told.startswith(f"$STOREWARDEN_{name}: {problem}")


def test_a_problem_inside_a_variable_has_its_column(tmp_path: Path) -> None:
    told = problems(tmp_path, FILE, {"STOREWARDEN_LOG": "{level: ~, levl: x}"})

    assert told == [
        "$STOREWARDEN_LOG:1:9: log.level: has no value; write for example debug, or leave it out",
        "$STOREWARDEN_LOG:1:12: log.levl: is an unknown key; did you mean level?",
    ]


def test_what_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    environ = {"STOREWARDEN_TEST_POSTGRES": "x", "STOREWARDENS": "x", "storewarden_x": "x"}

    assert settings(tmp_path, FILE, environ) == settings(tmp_path, FILE)


def test_an_empty_config_variable_is_told(tmp_path: Path) -> None:
    told = problems(tmp_path, None, {"STOREWARDEN_CONFIG": ""})

    assert told == ["$STOREWARDEN_CONFIG: is empty; unset it, or name a file"]


def test_variables_are_checked_even_when_the_file_is_no_yaml(tmp_path: Path) -> None:
    told = problems(
        tmp_path,
        "roots: [\n",
        {"STOREWARDEN_CATALOG": "x", "STOREWARDEN_ROOTS_WHO_KNOWS_SETTLE": "1s"},
    )

    assert told == [
        "storewarden.yaml:2:1: roots.0: ends inside [ ] or { }; close it",
        "$STOREWARDEN_CATALOG: is an unknown variable; did you mean STOREWARDEN_CATALOGUE?",
    ]
