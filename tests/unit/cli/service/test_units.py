"""What systemd is told for a configuration: pure text, and the same text read back."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storewarden.cli.service import units
from storewarden.config.load import load
from storewarden.config.schema import Settings
from tests.conftest import Golden
from tests.missing import program

CONFIG = """\
state: /srv/state
http: {listen: "unix:/srv/sockets/http.sock", web_config: /root/web.yml}
policies: [/etc/storewarden/policies, /home/anna/mine.yaml]
roots:
  uploads: /srv/media/uploads
  inner: /srv/media/more
  disk: /mnt/disk/outputs
  home: /home/anna/outs
  odd: "/srv/a b%c\\"d"
stores:
  nas: {path: /mnt/nas/cold}
  old: {path: /home/anna/old, read_only: true}
databases:
  app: {path: /var/lib/app/app.db}
  server: {url: "postgresql://me:secret@db/app"}
"""
MOUNTS = (b"/", b"/mnt/disk", b"/data", b"/srv/media/with space")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    file = tmp_path / "storewarden.yaml"
    file.write_text(CONFIG)
    return load(file, {"HOME": "/"}, Path("/"))


def test_what_a_configuration_needs(settings: Settings, golden: Golden) -> None:
    what = units.wanted(settings, "/etc/other.yaml", ("store.cold", "pgpass"), MOUNTS, leases=True)

    made = units.drop_ins(what)

    assert list(made) == ["configured", "home", "leases"]
    assert "secret" not in str(made)
    golden("service/configured.conf", made["configured"])


def test_what_needs_nothing_gets_nothing(settings: Settings) -> None:
    root = replace(settings.roots[0], path=b"/srv/media/uploads")
    plain = Settings(state=Path(units.STATE), catalogue="sqlite", roots=(root,))

    what = units.wanted(plain, units.CONFIGURATION)

    assert list(units.drop_ins(what)) == ["configured"]
    lines = [line for line in units.drop_ins(what)["configured"].splitlines() if "=" in line]
    assert lines == ["ReadWritePaths=-/srv/media/uploads"]


@pytest.mark.parametrize(
    ("path", "opened"),
    [
        (b"/srv/uploads", b"/srv/uploads"),  # of the system's own disk
        (b"/mnt/disk/outputs", b"/mnt"),
        (b"/mnt/disk", b"/mnt"),
        (b"/mnt/disk2", b"/mnt/disk2"),
        (b"/data/outputs", b"/data"),  # else all of the system
        (b"/home/anna/outs", b"/home/anna/outs"),  # bound in
    ],
)
def test_what_lies_on_a_disk_is_opened_from_where_the_disk_is_mounted(
    path: bytes, opened: bytes
) -> None:
    assert units.granted(path, (*MOUNTS, b"/home")) == opened


def test_the_unit_starts_this_very_program() -> None:
    made = units.unit(["/opt/my python/bin/python3", "-m", "storewarden"])

    assert 'ExecStart="/opt/my python/bin/python3" -m storewarden run\n' in made
    assert units.unit([units.PROGRAM]) == units.shipped(units.UNIT)


def test_paths_as_systemd_prints_them_are_read() -> None:
    told = r'-/srv/uploads "-/srv/a b%c\"d" -/srv/\xc3\xa9'

    assert units.words(told) == (b"/srv/uploads", b'/srv/a b%c"d', "/srv/é".encode())


@given(st.binary(min_size=1, max_size=40).filter(lambda name: b"\0" not in name))
def test_no_name_of_a_directory_becomes_a_setting_of_its_own(name: bytes) -> None:
    path = b"/srv/" + name.lstrip(b"-+")

    line = units.escaped(path)

    assert "\n" not in line
    assert units.words(line.replace("%%", "%").replace("$$", "$")) == (path,)


def test_systemd_can_read_what_is_shipped(tmp_path: Path) -> None:
    verify = program("systemd-analyze", "systemd")
    for name in (units.UNIT, units.SOCKET):
        text = units.shipped(name).replace(units.PROGRAM, "/bin/true")
        (tmp_path / name).write_text(text)

    done = subprocess.run(
        [verify, "verify", "--man=no", *(tmp_path / name for name in (units.UNIT, units.SOCKET))],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
