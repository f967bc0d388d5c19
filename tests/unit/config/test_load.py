"""Which file counts, what stands in for what is not said, and where paths begin."""

import errno
import os
from pathlib import Path

import pytest

from storewarden.config.load import find, load
from storewarden.config.schema import (
    ApiSettings,
    HttpSettings,
    Listen,
    LogSettings,
    RootSettings,
    Settings,
)
from storewarden.errors import ConfigError
from tests.unit.config.asking import HOME, NOWHERE, problems, settings


def test_without_anything_two_roots_here_and_sqlite_below_home(tmp_path: Path) -> None:
    here = os.fsencode(tmp_path)

    assert settings(tmp_path) == Settings(
        state=Path("/home/warden/.local/state/storewarden"),
        catalogue="sqlite",
        roots=(
            RootSettings("save_outputs", here + b"/save_outputs", create=True),
            RootSettings("uploads", here + b"/uploads", create=True),
        ),
        http=HttpSettings(Listen("127.0.0.1", 9747)),
        api=ApiSettings(Path("/home/warden/.local/state/storewarden/api.sock")),
    )


def test_every_key_of_a_file_arrives(tmp_path: Path) -> None:
    text = """
        state: /var/lib/warden
        catalogue: postgresql://me@db:5433/store?sslmode=require
        watch_share: 50%
        roots:
          a:
            path: /a
            watch: poll
            settle: 500ms
            settle_cap: 2min
            exclude: ["*.bak", "cache/", "x/**/y"]
            partial: ["*.part"]
            rescan: 6h
            poll: 1min
            missing_share: 5%
            digest: false
          b-2: /b
        http: {listen: "[::1]:80", web_config: web.yml}
        api: {socket: run/a.sock, socket_without_token: read, loopback_without_token: read}
        log: {level: debug, format: json}
        """

    assert settings(tmp_path, text) == Settings(
        state=Path("/var/lib/warden"),
        catalogue="postgresql://me@db:5433/store?sslmode=require",
        roots=(
            RootSettings(
                name="a",
                path=b"/a",
                watch="poll",
                settle=0.5,
                settle_cap=120.0,
                exclude=("*.bak", "cache/", "x/**/y"),
                partial=("*.part",),
                rescan=21_600.0,
                poll=60.0,
                missing_share=0.05,
                digest=False,
            ),
            RootSettings("b-2", b"/b"),
        ),
        http=HttpSettings(Listen("::1", 80), os.fsencode(tmp_path / "web.yml")),
        watch_share=0.5,
        log=LogSettings("debug", "json"),
        api=ApiSettings(tmp_path / "run/a.sock", "read", "read"),
        source=str(tmp_path / "storewarden.yaml"),
    )


def test_the_socket_for_applications_is_where_the_state_is_or_nowhere(tmp_path: Path) -> None:
    text = "roots: {a: /a}\nstate: /s\n"

    assert settings(tmp_path, text).api.socket == Path("/s/api.sock")
    assert settings(tmp_path, f"{text}api: {{socket: none}}\n").api.socket is None


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("media", b"{folder}/media"),
        ("./media/", b"{folder}/media"),
        ("../media", b"{above}/media"),
        ("/srv//media/.", b"/srv/media"),
        ("//srv/media", b"/srv/media"),
        ("~/media", b"/home/warden/media"),
        ("'$HOME/media'", b"{folder}/$HOME/media"),
        ("0755", b"{folder}/0755"),
        ("13:30", b"{folder}/13:30"),
        ("no", b"{folder}/no"),
        ("on", b"{folder}/on"),
        ("0o7", b"{folder}/0o7"),
        ("1_000", b"{folder}/1_000"),
        ('"true"', b"{folder}/true"),
        ('"~"', b"/home/warden"),
        ("bücher", "{folder}/bücher".encode()),
        ('"tab\\there"', b"{folder}/tab\there"),
    ],
)
def test_a_path_begins_in_the_folder_of_its_file(
    tmp_path: Path, written: str, meant: bytes
) -> None:
    folder = tmp_path / "conf"
    folder.mkdir()
    file = folder / "any.yaml"
    file.write_text(f"roots: {{a: {written}}}\nstate: /s\n")
    expected = meant.replace(b"{folder}", os.fsencode(folder))
    expected = expected.replace(b"{above}", os.fsencode(tmp_path))

    loaded = load(Path("conf/any.yaml"), HOME, tmp_path, system=NOWHERE)

    assert loaded.roots[0].path == expected


def test_a_named_file_comes_before_a_variable_before_here_before_the_system(
    tmp_path: Path,
) -> None:
    files = [tmp_path / name for name in ("named", "variable", "storewarden.yaml", "system")]
    for file in files:
        file.touch()
    named, variable, here, system = files
    environ = {"STOREWARDEN_CONFIG": "variable"}

    assert find(Path("named"), environ, tmp_path, system=system) == named
    assert find(None, environ, tmp_path, system=system) == variable
    assert find(None, {}, tmp_path, system=system) == here
    here.unlink()
    assert find(None, {}, tmp_path, system=system) == system
    system.unlink()
    assert find(None, {}, tmp_path, system=system) is None


def test_in_a_home_of_somebody_else_the_system_s_file_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, system = tmp_path / "storewarden.yaml", tmp_path / "etc.yaml"
    here.touch()
    system.touch()
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path or mode != os.X_OK)

    assert find(None, {}, tmp_path, system=system) == system


def test_a_file_that_may_not_be_looked_at_still_counts(tmp_path: Path) -> None:
    # A name of 256 bytes is refused by every file system, whoever asks.
    system = tmp_path / ("x" * 256)

    assert find(None, {}, tmp_path, system=system) == system


@pytest.mark.parametrize("given", ["--config", "variable"])
def test_a_named_file_must_be_there(tmp_path: Path, given: str) -> None:
    path = Path("missing.yaml") if given == "--config" else None
    environ = {"STOREWARDEN_CONFIG": "missing.yaml"} if given == "variable" else {}

    with pytest.raises(ConfigError) as caught:
        load(path, {**HOME, **environ}, tmp_path, system=NOWHERE)

    assert str(caught.value) == "missing.yaml: is not there; name a file that exists"
    assert caught.value.exit_code == 2


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "storewarden.yaml").mkdir()

    assert problems(tmp_path) == ["storewarden.yaml: is a directory; name the file in it"]


def test_a_pipe_is_no_file_and_does_not_hold_anybody_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "storewarden.yaml")

    assert problems(tmp_path) == ["storewarden.yaml: is not a regular file; name a file"]


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EACCES, f"user {os.geteuid()} may not read it; chown or chmod it"),
        (errno.EIO, "Input/output error; name a file that can be read"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, said: str
) -> None:
    def refuse(*_: object) -> int:  # root may read everything, so the system is played
        raise OSError(number, os.strerror(number))

    (tmp_path / "storewarden.yaml").touch()
    monkeypatch.setattr(os, "open", refuse)

    with pytest.raises(ConfigError, match=f"^storewarden.yaml: cannot be read: {said}$"):
        load(None, HOME, tmp_path, system=NOWHERE)


def test_a_link_to_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "storewarden.yaml").symlink_to("gone")

    assert problems(tmp_path) == ["storewarden.yaml: is not there; name a file that exists"]


def test_a_file_elsewhere_is_named_whole(tmp_path: Path) -> None:
    elsewhere = tmp_path / "etc"
    elsewhere.mkdir()
    (elsewhere / "s.yaml").write_text("x: 1\nroots: {a: /a}\n")
    here = tmp_path / "here"

    with pytest.raises(ConfigError) as caught:
        load(elsewhere / "s.yaml", HOME, here, system=NOWHERE)

    assert caught.value.problems[0].startswith(f"{elsewhere}/s.yaml:1:1: x: ")


def test_the_state_directory_is_the_key_else_systemds_else_below_home(tmp_path: Path) -> None:
    systemd = {"STATE_DIRECTORY": "/var/lib/storewarden:/var/lib/other"}
    text = "roots: {a: /a}\n"

    assert settings(tmp_path, text + "state: ./st\n", systemd).state == tmp_path / "st"
    assert settings(tmp_path, text, systemd).state == Path("/var/lib/storewarden")
    assert settings(tmp_path, text).state == Path("/home/warden/.local/state/storewarden")


def test_without_a_home_the_state_directory_must_be_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(None, {}, tmp_path, system=NOWHERE)

    assert caught.value.problems == (
        "the built-in defaults: state: ~ cannot be expanded, $HOME is not set; write the path out",
    )


def test_systemds_state_directory_must_be_absolute(tmp_path: Path) -> None:
    told = problems(tmp_path, "roots: {a: /a}", {"STATE_DIRECTORY": "storewarden"})

    assert told == ["$STATE_DIRECTORY: state: 'storewarden' is not absolute; set state"]


def test_a_password_is_shown_nowhere(tmp_path: Path) -> None:
    loaded = settings(
        tmp_path, "roots: {a: /a}\ncatalogue: postgresql://me:hunter2@db/x?password=hunter2\n"
    )

    assert loaded.catalogue_shown == "postgresql://me:***@db/x?password=***"
    assert "hunter2" not in repr(loaded) + str(loaded)


def test_the_same_configuration_is_equal_however_often_it_is_read(tmp_path: Path) -> None:
    text = "roots: {a: /a, b: {path: /b, exclude: [x]}}\n"

    assert settings(tmp_path, text) == settings(tmp_path)
