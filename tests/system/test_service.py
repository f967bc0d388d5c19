"""The service under a real systemd: a booted machine, installed by the verb as anybody would."""

import json
import re
from collections.abc import Iterator

import pytest

from storewarden.cli.service import units
from tests.servicing import DROP_INS, LOG, Box, box

CANARY = "canary-2Zq9kd8Vn1"
CONFIG = f"""\
state: /var/lib/storewarden
roots:
  uploads: /srv/uploads
  others: /srv/others
  outs: /home/anna/outs
  disk: /mnt/disk/root
stores:
  cold: {{url: "s3://bucket/prefix", endpoint: "http://127.0.0.1:8333", region: us-east-1}}
databases:
  app: {{url: "postgresql://me:{CANARY}@127.0.0.1:1/app"}}
"""
# Answers nothing that is asked, and keeps who asked for it.
S3 = """
import http.server
class Answer(http.server.BaseHTTPRequestHandler):
    def any(self):
        open("/root/asked", "a").write(self.headers.get("authorization", "") + "\\n")
        self.send_response(403); self.send_header("content-length", "0"); self.end_headers()
    do_GET = do_PUT = do_HEAD = do_POST = any
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", 8333), Answer).serve_forever()
"""
# Runs inside the unit, with all that it forbids.
PROBE = """
import ctypes, errno, json, mmap, os, signal, socket, sys
def tried(what):
    try:
        what()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "done"
def unshare():
    if ctypes.CDLL(None, use_errno=True).unshare(0x10000000):
        raise OSError(ctypes.get_errno(), "")
def suid():
    with open("/var/lib/storewarden/suid", "w") as file:
        os.fchmod(file.fileno(), 0o4755)
told = {
    "write /etc": tried(lambda: open("/etc/x", "w")),
    "write /usr": tried(lambda: open("/usr/x", "w")),
    "write /srv": tried(lambda: open("/srv/open/x", "w")),
    "write a root": tried(lambda: open("/srv/uploads/probe", "w")),
    "write the state": tried(lambda: open("/var/lib/storewarden/probe", "w")),
    "write a root at home": tried(lambda: open("/home/anna/outs/probe", "w")),
    "see a home": tried(lambda: os.stat("/home/anna/letters")),
    "see root's home": tried(lambda: os.stat("/root/config")),
    "read credentials at their place": tried(lambda: os.listdir("/etc/storewarden/credentials")),
    "netlink": tried(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)),
    "packets": tried(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)),
    "internet": tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM)),
    "a namespace": tried(unshare),
    "memory to write and execute": tried(lambda: mmap.mmap(-1, 4096, prot=7)),
    "a file with another's rights": tried(suid),
    "another's process": tried(lambda: os.stat("/proc/1")),
    "signal the first process": tried(lambda: os.kill(1, 0)),
    "the kernel's log": tried(lambda: open("/dev/kmsg")),
    "change the kernel": tried(lambda: open("/proc/sys/vm/swappiness", "w")),
}
json.dump(told, open("/var/lib/storewarden/probe.json", "w"))
"""
PROBED = "ExecStartPre=-/usr/bin/python3 /opt/probe.py"
DONE = {
    "write a root": "done",
    "write the state": "done",
    "write a root at home": "done",
    "internet": "done",
}


@pytest.fixture(scope="module")
def machine() -> Iterator[Box]:
    with box() as made:
        made.sh("useradd -m anna && useradd -m bob && mkdir -p /srv/uploads /srv/others /srv/open")
        made.sh("mkdir -p /home/anna/outs /home/anna/letters /mnt/disk && chmod 777 /srv/open")
        made.sh("chown -R anna: /home/anna /srv/others && chmod 777 /srv/others /home/anna/outs")
        made.sh("mount -t tmpfs -o mode=777,size=8m tmpfs /mnt/disk && mkdir /mnt/disk/root")
        made.sh("chmod 777 /mnt/disk/root && touch /root/config")
        made.write("/etc/storewarden/storewarden.yaml", CONFIG)
        secret = f"AWS_ACCESS_KEY_ID=AKIDKNOWN\nAWS_SECRET_ACCESS_KEY={CANARY}\n"
        made.write("/etc/storewarden/credentials/store.cold", secret, 0o600)
        made.write("/root/s3.py", S3)
        made.sh("systemd-run --quiet --unit s3 python3 /root/s3.py")
        planned = made.sh("storewarden service install --dry-run")
        assert not made.booted.path("/etc/systemd/system/storewarden.service").exists()
        done = made.sh("storewarden service install")
        would = [line for line in planned.splitlines() if line.startswith("would ")]
        assert would == [
            f"would {line}" for line in done.splitlines() if re.match("(write|run) ", line)
        ]
        made.sh("chown storewarden: /srv/uploads")
        # five seconds between two starts are for disks that come back, not for tests
        made.write(f"{DROP_INS}/quick.conf", f"[Service]\nRestartSec=100ms\n{PROBED}\n")
        made.write("/opt/probe.py", PROBE)
        made.sh("systemctl daemon-reload && systemctl start storewarden")
        yield made


def known(machine: Box, *terms: str) -> set[str]:
    lines = machine.sh(f"storewarden files {' '.join(terms)}").splitlines()
    return {"/".join(line.split("\t")[:2]) for line in lines}


def test_it_is_ready_and_records(machine: Box) -> None:
    assert machine.told("ActiveState") == "active"
    assert re.fullmatch("watching [34] of 4 roots|the new .*", machine.told("StatusText"))

    machine.sh("runuser -u anna -- sh -c 'echo 1 > /home/anna/outs/at-home.txt'")
    machine.sh("echo 1 > /srv/uploads/here.txt")

    wanted = {"outs/at-home.txt", "uploads/here.txt"}
    machine.until(lambda: wanted <= known(machine), "recorded")


def test_installing_again_changes_nothing(machine: Box) -> None:
    pid = machine.pid()

    again = machine.sh("storewarden service install")

    assert not re.search("^(write|run|remove) ", again, re.MULTILINE)
    assert machine.pid() == pid


def test_facts_of_a_line_are_fields_of_the_journal(machine: Box) -> None:
    lines = machine.sh("journalctl -u storewarden ROOT=uploads -o json").splitlines()

    entries = [json.loads(line) for line in lines]
    assert {entry["ROOT"] for entry in entries} == {"uploads"}
    watched = next(entry for entry in entries if "is watched" in entry["MESSAGE"])
    assert (watched["PRIORITY"], watched["MODE"]) == ("6", "inotify")
    assert watched["SYSLOG_IDENTIFIER"] == "storewarden"


def test_without_systemds_module_for_python_it_is_the_same(machine: Box) -> None:
    module = "/usr/lib/python3/dist-packages/systemd"
    machine.sh(f"mv {module} {module}.away")
    try:
        machine.sh("systemctl restart storewarden")
        assert machine.told("ActiveState") == "active"
        life = f"_SYSTEMD_INVOCATION_ID={machine.told('InvocationID')}"
        machine.sh("journalctl --sync")
        assert "root=uploads" in machine.sh(f"journalctl {life} ROOT=uploads -o cat")
    finally:
        machine.sh(f"mv {module}.away {module}")


def test_a_reload_takes_what_is_right_and_keeps_it_against_what_is_wrong(machine: Box) -> None:
    path = "/etc/storewarden/storewarden.yaml"
    pid = machine.pid()
    try:
        machine.write(path, CONFIG + "log: {level: debug}\n")
        machine.sh("systemctl reload storewarden")
        machine.until(
            lambda: machine.told("StatusText") == "the new configuration is in use", "reloaded"
        )
        machine.write(path, CONFIG + "nonsense: 1\n")
        machine.sh("systemctl reload storewarden")
        machine.until(lambda: "is wrong" in machine.told("StatusText"), "told to be wrong")
        assert "nonsense: is an unknown key" in machine.sh(LOG)
        shown = machine.sh("storewarden service status", check=False)
        assert "fail\tconfiguration\t/etc/storewarden/storewarden.yaml:" in shown
        assert "ok\tstate\tactive since" in shown
    finally:
        machine.write(path, CONFIG)
        machine.sh("systemctl reload storewarden")
    assert (machine.pid(), machine.told("ActiveState")) == (pid, "active")


def test_it_comes_back_when_it_was_killed(machine: Box) -> None:
    pid = machine.pid()
    machine.sh(f"kill -9 {pid} && echo 1 > /srv/uploads/while-dead.txt")

    machine.until(lambda: machine.pid() not in {0, pid}, "started again")
    machine.until(lambda: "uploads/while-dead.txt" in known(machine), "recorded")
    assert "warn\trestarts\t" in machine.sh("storewarden service status", check=False)


def test_the_watchdog_ends_what_hangs(machine: Box) -> None:
    with machine.set("WatchdogSec=4s"):
        pid = machine.pid()
        machine.sh(f"kill -STOP {pid}")

        machine.until(lambda: machine.pid() not in {0, pid}, "started again")
        machine.until(lambda: machine.told("ActiveState") == "active", "active")
        assert "Watchdog timeout (limit 4s)!" in machine.sh(LOG)


def test_it_stops_within_its_time_and_leaves_no_process(machine: Box) -> None:
    machine.sh("timeout 10 systemctl stop storewarden")

    assert (machine.told("Result"), machine.told("ActiveState")) == ("success", "inactive")
    assert machine.run("ps -u storewarden >/dev/null 2>&1 || pgrep -u storewarden").stdout == ""
    shown = machine.run("storewarden service status")
    assert shown.returncode == 1
    assert "warn\tstate\tnot running\tsystemctl start storewarden" in shown.stdout
    machine.sh("systemctl start storewarden")


def test_it_is_denied_what_it_does_not_need(machine: Box) -> None:
    # it ran before the daemon did, as its user and in its walls
    told = json.loads(machine.sh("cat /var/lib/storewarden/probe.json"))

    assert {what: answer for what, answer in told.items() if answer == "done"} == DONE
    assert told["write /srv"] == "EROFS"
    assert told["see a home"] == "ENOENT"
    assert told["netlink"] == "EAFNOSUPPORT"
    assert told["another's process"] == "ENOENT"


def test_the_store_hears_the_credential(machine: Box) -> None:
    machine.until(
        lambda: "Credential=AKIDKNOWN/" in machine.sh("cat /root/asked", check=False), "asked"
    )


def test_no_secret_is_found_anywhere(machine: Box) -> None:
    machine.sh("storewarden db check app", check=False)
    page = "python3 -c 'import urllib.request as r; print(r.urlopen(\"{}\").read())'"
    looked = {
        "journal": "journalctl -o export --no-pager",
        "unit": "systemctl show storewarden; systemctl status -l --no-pager storewarden",
        "status": "storewarden status --json; storewarden service status; storewarden doctor",
        "metrics": page.format("http://127.0.0.1:9747/metrics"),
        "processes": "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ",
    }
    said = {where: machine.run(command) for where, command in looked.items()}

    assert {where for where, one in said.items() if CANARY in one.stdout + one.stderr} == set()
    assert all(len(one.stdout) > 200 for one in said.values())


def test_files_of_others_are_moved_only_with_a_lease(machine: Box) -> None:
    machine.sh("runuser -u anna -- sh -c 'echo 1 > /srv/others/a.txt; echo 1 > /srv/others/b.txt'")
    machine.until(lambda: {"others/a.txt", "others/b.txt"} <= known(machine), "recorded")
    opens = "exec 3>>/srv/others/a.txt; exec sleep 1000"
    machine.sh(f"systemd-run --quiet --unit writer --uid anna sh -c '{opens}'")

    in_use = machine.run("storewarden trash /srv/others/a.txt")
    assert "somebody has it open for writing" in in_use.stdout
    with machine.set("CapabilityBoundingSet=", "AmbientCapabilities="):
        blind = machine.run("storewarden trash /srv/others/b.txt")
        assert "no lease is granted on it" in blind.stdout
        shown = machine.run("storewarden service status").stdout
        assert "warn\troot others\t" in shown
        assert "whether one is in use cannot be told" in shown
    assert machine.booted.path("/srv/others/b.txt").exists()
    machine.sh("systemctl stop writer")
    assert "done\t1" in machine.run("storewarden trash /srv/others/b.txt").stdout


def test_a_disk_that_is_mounted_again_is_followed(machine: Box) -> None:
    machine.sh("umount /mnt/disk")
    blind = "storewarden status | grep -E '^blind.disk'"
    machine.until(lambda: machine.run(blind).returncode == 0, "told to be away")
    machine.sh("mount -t tmpfs -o mode=777,size=8m tmpfs /mnt/disk && mkdir -m 777 /mnt/disk/root")
    machine.sh("echo 1 > /mnt/disk/root/again.txt")

    machine.until(lambda: "disk/again.txt" in known(machine), "recorded", 40)


def test_a_full_state_directory_is_told_and_got_over(machine: Box) -> None:
    state = "/var/lib/storewarden"
    machine.sh(f"systemctl stop storewarden && mv {state} {state}.kept && mkdir {state}")
    machine.sh(f"mount -t tmpfs -o size=1m tmpfs {state} && chown storewarden: {state}")
    try:
        machine.sh("dd if=/dev/zero of=/var/lib/storewarden/fill bs=4k", check=False)
        with machine.set("RestartSec=1h", restarted=False):  # to be looked at
            assert machine.run("systemctl start storewarden").returncode != 0
            shown = machine.run("storewarden service status")
        assert shown.returncode == 1
        assert ", it is tried again: it failed\tjournalctl" in shown.stdout
        assert "no space for the catalogue" in shown.stdout
        machine.sh(f"mount -o remount,size=64m {state} && systemctl restart storewarden")
        assert machine.told("ActiveState") == "active"
    finally:
        machine.sh(f"systemctl stop storewarden; umount {state}; rmdir {state}", check=False)
        machine.sh(f"mv {state}.kept {state} && systemctl start storewarden")


def test_who_asks_what_a_wrong_configuration_did_is_told(machine: Box) -> None:
    path = "/etc/storewarden/storewarden.yaml"
    machine.write(path, "roots: {}\nnonsense: 1\n")
    try:
        assert machine.run("systemctl restart storewarden").returncode != 0
        assert machine.told("NRestarts") == "0"
        shown = machine.run("storewarden service status")
        assert shown.returncode == 1
        assert "its configuration is wrong" in shown.stdout
        assert "nonsense: is an unknown key" in shown.stdout
    finally:
        machine.write(path, CONFIG)
        machine.sh("systemctl reset-failed storewarden; systemctl start storewarden")


def test_the_socket_holds_the_address_while_it_starts_anew(machine: Box) -> None:
    machine.sh("systemctl stop storewarden && systemctl start storewarden.socket")
    machine.sh("systemctl start storewarden")
    page = "python3 -c 'import urllib.request as r; r.urlopen(\"http://127.0.0.1:9747/metrics\")'"
    try:
        machine.sh("systemctl restart --no-block storewarden")
        machine.sh(page)
    finally:
        machine.sh("systemctl stop storewarden.socket && systemctl restart storewarden")


@pytest.mark.parametrize(
    ("drop_ins", "most"), [((), 1.2), ((units.LEASES,), 1.3), ((units.OTHER_USERS,), 1.8)]
)
def test_what_it_is_exposed_to(machine: Box, drop_ins: tuple[str, ...], most: float) -> None:
    # by another name: none of the drop-ins of the one that is installed
    name = f"exposed{len(drop_ins)}{''.join(drop_ins)}.service"
    file = f"/etc/systemd/system/{name}"
    machine.write(file, units.unit(["/bin/true"]))
    for one in drop_ins:
        machine.write(f"{file}.d/{one}.conf", units.shipped(f"{one}.conf"))
    told = machine.sh(f"systemd-analyze security --offline=yes --no-pager {file}")

    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", told)
    assert found is not None
    assert float(found[1]) <= most


def test_removing_it_keeps_what_it_knows(machine: Box) -> None:
    try:
        told = machine.sh("storewarden service uninstall")
        assert "kept: /var/lib/storewarden (the catalogue)" in told
        assert "could not be found" in machine.run("systemctl status storewarden").stderr
        assert machine.booted.path("/var/lib/storewarden/catalogue.db").exists()
        assert machine.run("storewarden service status").returncode == 1
    finally:
        machine.sh("storewarden service install --now")
    assert machine.told("ActiveState") == "active"
