"""What is trashed is out of sight and nothing is lost: it comes back as it was, over nothing."""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storewarden.act.allowance import Allowance, allow_purge
from storewarden.act.drawers import Room
from storewarden.act.entries import Entry, entries, forget, look, recover
from storewarden.act.giveback import put_back
from storewarden.act.identity import Identity
from storewarden.act.kernel import Kernel
from storewarden.act.members import Bundle, Member
from storewarden.act.refused import Reason, Refused
from storewarden.act.trash import Purged, Restored, Trashed, purge, restore, trash
from tests.interfering import MARK, NOW, Failing, Ground, Standing, proof_of

OTHER_MARK = "zzzzzzzzzzzzzzzz"
STRANGE_NAMES = (
    b"plain.png",
    b"new\nline",
    b"n\xff\xfe.txt",
    b"x" * 255,
    "ünï ✓".encode(),
    b" lead and trail ",
    b"-rf",
    b"a/b c/\xc3\x28/deep",
    b"/".join(b"%03d" % part + b"d" * 200 for part in range(25)) + b"/leaf",  # over 4096 bytes
)


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    ground = Ground(tmp_path / "root")
    yield ground
    ground.close()


def allowed(ground: Ground) -> Allowance:
    allowance = allow_purge(ground.entry(), asked_by="renders", at_least_ns=0, now_ns=NOW)
    assert isinstance(allowance, Allowance)
    return allowance


def make_deep(ground: Ground, path: bytes, content: bytes) -> Member:
    """Write a file whose path is longer than a system call takes."""
    *way, name = path.split(b"/")
    here = os.dup(ground.fd)
    for part in way:
        os.mkdir(part, dir_fd=here)
        below = os.open(part, os.O_RDONLY | os.O_DIRECTORY, dir_fd=here)
        os.close(here)
        here = below
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT, 0o640, dir_fd=here)
    os.write(descriptor, content)
    os.close(descriptor)
    status = os.stat(name, dir_fd=here)
    os.close(here)
    return Member(path, Identity.of(status))


@pytest.mark.parametrize("path", STRANGE_NAMES, ids=range(len(STRANGE_NAMES)))
def test_any_name_goes_and_comes_back(ground: Ground, path: bytes) -> None:
    member = make_deep(ground, path, b"content")

    assert isinstance(trash(ground.fd, Bundle((member,), MARK, NOW)), Trashed)
    (entry,) = entries(ground.fd)
    assert isinstance(entry, Entry)
    (file,) = entry.files
    assert file.noted
    assert file.noted.path == path
    assert file.intact
    restored = restore(ground.fd, MARK)

    assert restored == Restored(MARK, (path,), ())
    assert entries(ground.fd) == ()


def test_a_file_comes_back_with_its_times_and_its_mode(ground: Ground) -> None:
    ground.put(b"a/b/file", b"content")
    place = ground.path / "a" / "b" / "file"
    place.chmod(0o4640)
    os.utime(place, ns=(5, 7_000_000_123))
    (ground.path / "a" / "b").chmod(0o1751)
    (ground.path / "a").chmod(0o711)
    before = place.stat()

    trash(ground.fd, ground.bundle(b"a/b/file"))
    (ground.path / "a" / "b").rmdir()
    (ground.path / "a").rmdir()
    restore(ground.fd, MARK)

    after = place.stat()
    for field in ("st_ino", "st_mode", "st_uid", "st_gid", "st_size", "st_mtime_ns", "st_atime_ns"):
        assert getattr(after, field) == getattr(before, field)
    assert stat.S_IMODE((ground.path / "a" / "b").stat().st_mode) == 0o1751
    assert stat.S_IMODE((ground.path / "a").stat().st_mode) == 0o711


def test_two_files_of_one_name_lie_in_one_drawer(ground: Ground) -> None:
    ground.put(b"a/same", b"one")
    ground.put(b"b/same", b"two")

    trash(ground.fd, ground.bundle(b"a/same", b"b/same"))

    assert ground.census()[b"one"] == [b".storewarden/trash/%s/0" % MARK.encode()]
    assert ground.census()[b"two"] == [b".storewarden/trash/%s/1" % MARK.encode()]
    restore(ground.fd, MARK)
    assert ground.census()[b"one"] == [b"a/same"]
    assert ground.census()[b"two"] == [b"b/same"]


def test_called_again_it_finds_its_work_done(ground: Ground) -> None:
    ground.put(b"file", b"content")
    bundle = ground.bundle(b"file")

    assert isinstance(trash(ground.fd, bundle), Trashed)
    assert isinstance(trash(ground.fd, bundle), Trashed)
    assert isinstance(restore(ground.fd, MARK), Restored)
    assert isinstance(restore(ground.fd, MARK), Restored)
    assert forget(ground.fd, Room.TRASH, MARK) is None
    assert forget(ground.fd, Room.TRASH, MARK) is None
    assert ground.census()[b"content"] == [b"file"]


def test_our_folder_is_for_us_alone(ground: Ground) -> None:
    ground.put(b"file", b"content")
    trash(ground.fd, ground.bundle(b"file"))

    ours = ground.path / ".storewarden"
    for directory in (ours, ours / "trash", ours / "trash" / MARK):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700


# -- what is refused ----------------------------------------------------------------------------


def rewrite(ground: Ground) -> None:
    (ground.path / "file").write_bytes(b"CONTENT")


def delete(ground: Ground) -> None:
    (ground.path / "file").unlink()


def link(ground: Ground) -> None:
    (ground.path / "file").rename(ground.path / "elsewhere")
    (ground.path / "file").symlink_to("elsewhere")


def fifo(ground: Ground) -> None:
    delete(ground)
    os.mkfifo(ground.path / "file")


def directory(ground: Ground) -> None:
    delete(ground)
    (ground.path / "file").mkdir()


def touch(ground: Ground) -> None:
    os.utime(ground.path / "file", ns=(1, 1))


@pytest.mark.parametrize(
    ("deed", "reason"),
    [
        (rewrite, Reason.CHANGED),
        (touch, Reason.CHANGED),
        (delete, Reason.GONE),
        (link, Reason.NOT_REGULAR),
        (fifo, Reason.NOT_REGULAR),
        (directory, Reason.NOT_REGULAR),
    ],
)
def test_what_is_not_what_was_decided_on_stays(
    ground: Ground, deed: Callable[[Ground], None], reason: Reason
) -> None:
    ground.put(b"file", b"content")
    ground.put(b"other", b"goes along")
    bundle = ground.bundle(b"other", b"file")
    deed(ground)
    before = ground.names()

    refused = trash(ground.fd, bundle)

    assert isinstance(refused, Refused)
    assert (refused.reason, refused.path, refused.again) == (reason, b"file", False)
    assert not refused.kept
    assert ground.names() == before


def test_who_writes_is_not_robbed_of_his_file(ground: Ground) -> None:
    ground.put(b"file", b"content")
    bundle = ground.bundle(b"file")

    with (ground.path / "file").open("r+b"):
        refused = trash(ground.fd, bundle)

    assert isinstance(refused, Refused)
    assert refused.reason is Reason.OPEN_FOR_WRITING
    assert refused.again
    assert isinstance(trash(ground.fd, bundle), Trashed)


def test_who_reads_only_keeps_what_must_not_be_in_use(ground: Ground) -> None:
    ground.put(b"file", b"content")

    with (ground.path / "file").open("rb"):
        refused = trash(ground.fd, ground.bundle(b"file", unused=True))
        assert isinstance(refused, Refused)
        assert refused.reason is Reason.IN_USE
        assert isinstance(trash(ground.fd, ground.bundle(b"file")), Trashed)


WAL, JOURNAL = b"\x37\x7f\x06\x82and what was committed", b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7old"


@pytest.mark.parametrize(("ending", "log"), [(b"-wal", WAL), (b"-journal", JOURNAL)])
def test_a_database_and_its_log_are_not_taken_apart(
    ground: Ground, ending: bytes, log: bytes
) -> None:
    """What was committed last lies in the log alone."""
    ground.put(b"a/app.db", b"content")
    ground.put(b"a/app.db" + ending, log)

    for alone in (b"a/app.db", b"a/app.db" + ending):
        refused = trash(ground.fd, ground.bundle(alone))
        assert isinstance(refused, Refused)
        assert (refused.reason, refused.path) == (Reason.PARTED, alone)
    together = ground.bundle(b"a/app.db", b"a/app.db" + ending)
    assert isinstance(trash(ground.fd, together), Trashed)


@pytest.mark.parametrize("reason", [errno.EACCES, errno.EPERM, errno.ELOOP])
def test_a_log_that_nobody_may_look_into_may_be_one(ground: Ground, reason: int) -> None:
    class Closed(Kernel):
        def open(self, name: bytes, flags: int, directory: int) -> int:
            if name == b"app.db-wal":
                raise OSError(reason, os.strerror(reason))
            return super().open(name, flags, directory)

    ground.put(b"app.db", b"content")
    ground.put(b"app.db-wal", b"secret")

    refused = trash(ground.fd, ground.bundle(b"app.db"), kernel=Closed())

    assert isinstance(refused, Refused)
    assert refused.reason is Reason.PARTED


@pytest.mark.parametrize("beside", [b"", b"Monday: rain.", b"\0" * 8, None])
def test_what_is_only_called_like_a_log_keeps_nobody(ground: Ground, beside: bytes | None) -> None:
    """Nor does a log without a database, one that was emptied, or a directory of that name."""
    ground.put(b"travel", b"content")
    ground.put(b"lonely-wal", WAL)
    if beside is None:
        (ground.path / "travel-journal").mkdir()
    else:
        ground.put(b"travel-journal", beside)

    for path, mark in ((b"travel", MARK), (b"lonely-wal", "abcdefgh23456733")):
        bundle = ground.bundle(path)._replace(mark=mark)
        assert isinstance(trash(ground.fd, bundle), Trashed)


def test_a_link_on_the_way_is_not_followed(ground: Ground, tmp_path: Path) -> None:
    ground.put(b"a/file", b"content")
    bundle = ground.bundle(b"a/file")
    (ground.path / "a").rename(tmp_path / "outside")
    (ground.path / "a").symlink_to(tmp_path / "outside")

    refused = trash(ground.fd, bundle)

    assert isinstance(refused, Refused)
    assert refused.reason is Reason.BEHIND_A_LINK
    assert (tmp_path / "outside" / "file").read_bytes() == b"content"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (b"../file", Reason.BEHIND_A_LINK),
        (b"/etc/passwd", Reason.BEHIND_A_LINK),
        (b"a//b", Reason.BEHIND_A_LINK),
        (b"", Reason.BEHIND_A_LINK),
        (b"a/./b", Reason.BEHIND_A_LINK),
        (b".storewarden/root", Reason.OURS),
        (b"x" * 256, Reason.TOO_LONG),
    ],
)
def test_no_path_leaves_the_root_or_enters_our_folder(
    ground: Ground, path: bytes, reason: Reason
) -> None:
    identity = ground.member(b"bystander").identity
    refused = trash(ground.fd, Bundle((Member(path, identity),), MARK, NOW))

    assert isinstance(refused, Refused)
    assert refused.reason is reason


def test_another_file_system_below_the_root_is_refused(ground: Ground) -> None:
    if not Path("/dev/shm").is_dir() or os.stat("/dev/shm").st_dev == os.fstat(ground.fd).st_dev:
        pytest.skip("no second file system at /dev/shm")
    root = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    other = Path(f"/dev/shm/storewarden-{os.getpid()}")
    other.write_bytes(b"content")
    try:
        path = os.fsencode(other)[1:]
        member = Member(path, Identity.of(other.stat()))
        # The root of the machine has no folder of ours and gets none.
        refused = trash(root, Bundle((member,), MARK, NOW))
    finally:
        other.unlink()
        os.close(root)

    assert isinstance(refused, Refused)
    assert refused.reason is Reason.OTHER_FILE_SYSTEM
    assert not Path("/.storewarden").exists()


def test_a_folder_that_others_may_write_is_not_used(ground: Ground) -> None:
    ground.put(b"file", b"content")
    (ground.path / ".storewarden").mkdir()
    (ground.path / ".storewarden").chmod(0o775)

    refused = trash(ground.fd, ground.bundle(b"file"))

    assert isinstance(refused, Refused)
    assert refused.reason is Reason.NOT_OURS
    assert "chmod" in refused.why


def test_a_folder_of_another_file_system_is_not_used(ground: Ground) -> None:
    ground.put(b"file", b"content")
    (ground.path / ".storewarden").mkdir()

    class Mounted(Kernel):
        def fstat(self, descriptor: int) -> os.stat_result:
            status = super().fstat(descriptor)
            if not os.readlink(f"/proc/self/fd/{descriptor}").endswith(".storewarden"):
                return status
            return os.stat_result((*status[:2], status.st_dev + 1, *status[3:]))

    refused = trash(ground.fd, ground.bundle(b"file"), kernel=Mounted())

    assert isinstance(refused, Refused)
    assert refused.reason is Reason.OTHER_FILE_SYSTEM


def test_a_folder_that_is_a_link_is_not_used(ground: Ground, tmp_path: Path) -> None:
    ground.put(b"file", b"content")
    (tmp_path / "elsewhere").mkdir()
    (ground.path / ".storewarden").symlink_to(tmp_path / "elsewhere")

    refused = trash(ground.fd, ground.bundle(b"file"))

    assert isinstance(refused, Refused)
    assert refused.reason is Reason.BEHIND_A_LINK
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_not_used(ground: Ground) -> None:
    ground.put(b"file", b"content")
    (ground.path / ".storewarden").mkdir(0o755)
    os.chown(ground.path / ".storewarden", 65534, 65534)

    refused = trash(ground.fd, ground.bundle(b"file"))

    assert isinstance(refused, Refused)
    assert refused.reason is Reason.NOT_OURS


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.EROFS, Reason.READ_ONLY),
        (errno.ENOSPC, Reason.NO_ROOM),
        (errno.EDQUOT, Reason.NO_ROOM),
        (errno.EACCES, Reason.NOT_ALLOWED),
        (errno.EIO, Reason.FAILING),
    ],
)
def test_a_root_that_may_not_be_written_says_why(
    ground: Ground, number: int, reason: Reason
) -> None:
    ground.put(b"file", b"content")
    before = ground.names()

    refused = trash(ground.fd, ground.bundle(b"file"), kernel=Failing(0, number, lasting=True))

    assert isinstance(refused, Refused)
    assert (refused.reason, refused.again) == (reason, reason is Reason.NO_ROOM)
    assert ground.names() == before


def test_a_mark_serves_one_bundle(ground: Ground) -> None:
    ground.put(b"one", b"1")
    ground.put(b"two", b"2")
    trash(ground.fd, ground.bundle(b"one"))

    refused = trash(ground.fd, ground.bundle(b"two"))

    assert isinstance(refused, Refused)
    assert refused.reason is Reason.TAKEN
    assert ground.census()[b"1"] == [b".storewarden/trash/%s/0" % MARK.encode()]
    assert ground.census()[b"2"] == [b"two"]
    with pytest.raises(ValueError, match="no mark"):
        trash(ground.fd, ground.bundle(b"two")._replace(mark="../x"))


def test_a_bundle_has_files_and_each_once(ground: Ground) -> None:
    with pytest.raises(ValueError, match="bundle"):
        trash(ground.fd, Bundle((), MARK, NOW))
    with pytest.raises(ValueError, match="bundle"):
        trash(ground.fd, ground.bundle(b"bystander", b"bystander"))


# -- restore ------------------------------------------------------------------------------------


def test_nothing_is_restored_over_anything(ground: Ground) -> None:
    ground.put(b"a/one", b"1")
    ground.put(b"a/two", b"2")
    trash(ground.fd, ground.bundle(b"a/one", b"a/two"))
    ground.put(b"a/one", b"new")
    before = ground.entry()

    refused = restore(ground.fd, MARK)

    assert isinstance(refused, Refused)
    assert (refused.reason, refused.path) == (Reason.TAKEN, b"a/one")
    assert ground.census()[b"new"] == [b"a/one"]
    assert ground.entry() == before, "nothing was even moved"

    elsewhere = restore(ground.fd, MARK, [b"b/c/one", b"a/two"])
    assert elsewhere == Restored(MARK, (b"b/c/one", b"a/two"), ())
    assert ground.census()[b"1"] == [b"b/c/one"]


def test_what_somebody_uses_since_it_came_back_is_not_taken_again(ground: Ground) -> None:
    """An attempt was killed; its second file is in use now, and the place of its first is taken."""
    ground.put(b"one", b"1")
    ground.put(b"two", b"2")
    trash(ground.fd, ground.bundle(b"one", b"two"))
    (ground.path / ".storewarden" / "trash" / MARK / "1").rename(ground.path / "two")
    (ground.path / "two").write_bytes(b"worked on")
    ground.put(b"one", b"new")

    refused = restore(ground.fd, MARK)

    assert isinstance(refused, Refused)
    assert (refused.reason, refused.unsure) == (Reason.TAKEN, True)
    assert ground.census()[b"worked on"] == [b"two"]
    assert ground.census()[b"1"] == [b".storewarden/trash/%s/0" % MARK.encode()]


def test_another_file_of_the_same_inode_is_not_what_was_purged(ground: Ground) -> None:
    """File systems like to give the number of a removed file to the next one."""
    ground.put(b"file", b"content")
    trash(ground.fd, ground.bundle(b"file"))
    drawer = ground.path / ".storewarden" / "trash" / MARK
    (drawer / "going").touch()
    (drawer / "0").rename(ground.path / "file")  # so its number is the very same
    (ground.path / "file").write_bytes(b"another file")

    refused = restore(ground.fd, MARK)

    assert isinstance(refused, Refused)
    assert (refused.reason, refused.why) == (Reason.GONE, "it was purged")
    assert ground.census()[b"another file"] == [b"file"]


def test_what_lies_on_another_file_system_did_not_come_back(ground: Ground) -> None:
    ground.put(b"file", b"content")
    trash(ground.fd, ground.bundle(b"file"))
    (ground.path / ".storewarden" / "trash" / MARK / "0").rename(ground.path / "file")

    class Mounted(Kernel):
        def stat(self, name: bytes, directory: int) -> os.stat_result:
            found = super().stat(name, directory)
            if name != b"file":
                return found
            told = list(found)
            told[stat.ST_DEV] += 1
            times = {name: getattr(found, name) for name in ("st_mtime_ns", "st_ctime_ns")}
            return os.stat_result(told, times)

    refused = restore(ground.fd, MARK, kernel=Mounted())

    assert isinstance(refused, Refused)
    assert refused.reason is Reason.GONE
    assert ground.census()[b"content"] == [b"file"]


@pytest.mark.parametrize("place", [b"../out", b".storewarden/trash/x", b"bystander/below"])
def test_a_place_that_is_none_is_refused(ground: Ground, place: bytes) -> None:
    ground.put(b"file", b"content")
    trash(ground.fd, ground.bundle(b"file"))

    assert isinstance(restore(ground.fd, MARK, [place]), Refused)
    assert len(ground.entry().here) == 1


def test_as_many_places_as_files(ground: Ground) -> None:
    ground.put(b"file", b"content")
    trash(ground.fd, ground.bundle(b"file"))

    with pytest.raises(ValueError, match="places"):
        restore(ground.fd, MARK, [b"one", b"two"])


def test_what_is_not_in_the_trash_cannot_be_restored(ground: Ground) -> None:
    refused = restore(ground.fd, MARK)

    assert isinstance(refused, Refused)
    assert refused.reason is Reason.GONE


def test_who_kept_writing_gets_back_what_he_wrote(ground: Ground) -> None:
    ground.put(b"file", b"content")
    trash(ground.fd, ground.bundle(b"file"))
    (ground.path / ".storewarden" / "trash" / MARK / "0").write_bytes(b"written later")

    restored = restore(ground.fd, MARK)

    assert restored == Restored(MARK, (b"file",), (b"file",))
    assert ground.census()[b"written later"] == [b"file"]


def test_a_broken_note_loses_no_file(ground: Ground) -> None:
    ground.put(b"file", b"content")
    trash(ground.fd, ground.bundle(b"file"))
    (ground.path / ".storewarden" / "trash" / MARK / "note").write_bytes(b'{"version": 1')

    (entry,) = entries(ground.fd)
    assert isinstance(entry, Entry)
    assert entry.since_ns is None
    assert isinstance(restore(ground.fd, MARK), Refused)
    assert put_back(ground.fd, Room.TRASH, MARK).kept == (b"",)
    allowance = allow_purge(entry, asked_by="somebody", at_least_ns=0, now_ns=NOW)
    assert isinstance(allowance, Refused)
    assert restore(ground.fd, MARK, [b"found"]) == Restored(MARK, (b"found",), (b"found",))


# -- the list -----------------------------------------------------------------------------------


def test_the_trash_tells_of_itself(ground: Ground) -> None:
    ground.put(b"one", b"1")
    ground.put(b"two", b"2")
    trash(ground.fd, ground.bundle(b"one")._replace(told={"asked_by": "renders"}))
    trash(ground.fd, ground.bundle(b"two")._replace(mark=OTHER_MARK))
    (ground.path / ".storewarden" / "trash" / "not ours").mkdir()

    first, second = entries(ground.fd)

    assert isinstance(first, Entry)
    assert isinstance(second, Entry)
    assert (first.mark, first.since_ns, first.told) == (MARK, NOW, {"asked_by": "renders"})
    assert (second.mark, second.told) == (OTHER_MARK, {})
    assert [file.noted.path for file in first.files if file.noted] == [b"one"]


def test_a_root_without_trash_has_nothing_in_it(ground: Ground) -> None:
    assert entries(ground.fd) == ()
    assert recover(ground.fd, MARK) == ()
    assert look(ground.fd, Room.TRASH, MARK) is None
    assert ground.names() == ["bystander"]


def test_a_link_in_the_place_of_a_directory_keeps_only_what_belongs_behind_it(
    ground: Ground, tmp_path: Path
) -> None:
    ground.put(b"a/one", b"1")
    ground.put(b"b/two", b"2")
    trash(ground.fd, ground.bundle(b"a/one", b"b/two"))
    (ground.path / "a").rmdir()
    (ground.path / "a").symlink_to(tmp_path)

    done = put_back(ground.fd, Room.TRASH, MARK)

    assert (done.back, done.kept) == ((b"b/two",), (b"a/one",))
    assert not (tmp_path / "one").exists()
    assert len(ground.entry().here) == 1


def test_a_drawer_with_files_is_not_forgotten(ground: Ground) -> None:
    ground.put(b"file", b"content")
    trash(ground.fd, ground.bundle(b"file"))

    refused = forget(ground.fd, Room.TRASH, MARK)

    assert isinstance(refused, Refused)
    assert refused.reason is Reason.TAKEN
    assert ground.entry().files[0].intact


def test_a_device_that_bears_another_number_after_a_restart_is_the_same_disk(
    ground: Ground,
) -> None:
    ground.put(b"file", b"content")
    bundle = ground.bundle(b"file")
    old = bundle.members[0].identity
    trash(ground.fd, bundle)
    note = ground.path / ".storewarden" / "trash" / MARK / "note"
    note.write_text(note.read_text().replace(f'"device": {old.device}', '"device": 4711'))
    then = bundle.members[0]._replace(identity=old._replace(device=4711))

    (entry,) = entries(ground.fd)
    assert isinstance(entry, Entry)
    assert entry.files[0].intact
    allowance = allow_purge(
        entry, asked_by="renders", at_least_ns=0, now_ns=NOW, proofs=[proof_of(then)]
    )
    assert isinstance(allowance, Allowance)
    assert isinstance(purge(ground.fd, allowance), Purged)


# -- purge --------------------------------------------------------------------------------------


def test_what_was_allowed_is_removed_and_nothing_else(ground: Ground) -> None:
    ground.put(b"file", b"content" * 1000)
    ground.put(b"kept", b"kept")
    trash(ground.fd, ground.bundle(b"file"))
    trash(ground.fd, ground.bundle(b"kept")._replace(mark=OTHER_MARK))
    allowance = allowed(ground)

    purged = purge(ground.fd, allowance)

    assert isinstance(purged, Purged)
    assert purged.freed >= 7000
    assert purge(ground.fd, allowance) == Purged(MARK, 0)
    assert forget(ground.fd, Room.TRASH, MARK) is None
    refused = purge(ground.fd, allowance)
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.GONE
    assert set(ground.census()) == {b"kept", b"not asked about"}


def test_an_allowance_is_given_and_not_made(ground: Ground) -> None:
    ground.put(b"file", b"content")
    trash(ground.fd, ground.bundle(b"file"))

    with pytest.raises(TypeError):
        Allowance(object(), ground.entry(), "me", 0, ())
    with pytest.raises(ValueError, match="asked"):
        allow_purge(ground.entry(), asked_by="", at_least_ns=0, now_ns=NOW)


@pytest.mark.parametrize("now", [NOW + 6 * 10**9, NOW - 1, 0])
def test_nothing_is_purged_early_nor_by_a_clock_set_back(ground: Ground, now: int) -> None:
    ground.put(b"file", b"content")
    trash(ground.fd, ground.bundle(b"file"))

    refused = allow_purge(ground.entry(), asked_by="renders", at_least_ns=7 * 10**9, now_ns=now)

    assert isinstance(refused, Refused)
    assert refused.reason is Reason.TOO_EARLY
    assert refused.again


def test_a_person_who_asks_by_name_does_not_wait_for_a_clock(ground: Ground) -> None:
    ground.put(b"file", b"content")
    trash(ground.fd, ground.bundle(b"file"))

    allowance = allow_purge(ground.entry(), asked_by="ada", at_least_ns=0, now_ns=NOW - 1)

    assert isinstance(allowance, Allowance)
    assert isinstance(purge(ground.fd, allowance), Purged)


def test_where_a_copy_must_stay_its_proof_is_asked_for(ground: Ground) -> None:
    ground.put(b"file", b"content")
    ground.put(b"other", b"other")
    bundle = ground.bundle(b"file")
    foreign = proof_of(ground.member(b"other"))
    trash(ground.fd, bundle)

    for proofs in ([], [foreign]):
        refused = allow_purge(
            ground.entry(), asked_by="renders", at_least_ns=0, now_ns=NOW, proofs=proofs
        )
        assert isinstance(refused, Refused)
        assert refused.reason is Reason.UNPROVEN
    right = [proof_of(bundle.members[0])]
    allowance = allow_purge(
        ground.entry(), asked_by="renders", at_least_ns=0, now_ns=NOW, proofs=right
    )
    assert isinstance(allowance, Allowance)
    assert isinstance(purge(ground.fd, allowance), Purged)


def test_what_changed_in_the_trash_is_not_purged(ground: Ground) -> None:
    ground.put(b"file", b"content")
    trash(ground.fd, ground.bundle(b"file"))
    allowance = allowed(ground)
    (ground.path / ".storewarden" / "trash" / MARK / "0").write_bytes(b"later")

    refused = purge(ground.fd, allowance)

    assert isinstance(refused, Refused)
    assert refused.reason is Reason.CHANGED
    assert not ground.entry().going, "it was not even begun"
    anew = allow_purge(ground.entry(), asked_by="renders", at_least_ns=0, now_ns=NOW)
    assert isinstance(anew, Refused)
    assert anew.reason is Reason.CHANGED
    assert b"later" in ground.census()


def test_who_writes_into_the_trash_is_not_robbed(ground: Ground) -> None:
    ground.put(b"file", b"content")
    trash(ground.fd, ground.bundle(b"file"))

    with (ground.path / ".storewarden" / "trash" / MARK / "0").open("r+b"):
        refused = purge(ground.fd, allowed(ground))

    assert isinstance(refused, Refused)
    assert refused.reason is Reason.OPEN_FOR_WRITING


def test_who_wants_to_write_into_the_trash_meanwhile_may(ground: Ground) -> None:
    ground.put(b"file", b"content")
    trash(ground.fd, ground.bundle(b"file"))
    path = ground.path / ".storewarden" / "trash" / MARK / "0"

    def want_it(_number: int, name: str) -> None:
        if name == "create":
            with pytest.raises(BlockingIOError):
                os.open(path, os.O_RDWR | os.O_NONBLOCK)

    refused = purge(ground.fd, allowed(ground), kernel=Standing(want_it))

    assert isinstance(refused, Refused)
    assert (refused.reason, refused.removed) == (Reason.OPEN_FOR_WRITING, ())
    assert path.read_bytes() == b"content"


def test_purging_one_of_two_names_frees_nothing_and_loses_nothing(ground: Ground) -> None:
    ground.put(b"file", b"content")
    (ground.path / "second").hardlink_to(ground.path / "file")
    trash(ground.fd, ground.bundle(b"file"))

    assert purge(ground.fd, allowed(ground)) == Purged(MARK, 0)
    assert ground.census()[b"content"] == [b"second"]
