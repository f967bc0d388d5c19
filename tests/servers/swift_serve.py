"""OpenStack Swift with its S3 face, all of its servers in this one process.

    .venv/servers/swift/bin/python tests/servers/swift_serve.py DIRECTORY

Runs in Swift's own virtual environment. One process instead of four starts in half the time, and
one number is enough to stop it. When all is ready DIRECTORY/url holds where.
"""

import os
import sys
import warnings
from pathlib import Path

import eventlet

eventlet.monkey_patch()
warnings.simplefilter("ignore")

from eventlet import wsgi  # noqa: E402  # after what waits was made to wait its turn
from swift.common import constraints, utils  # noqa: E402
from swift.common.http_protocol import SwiftHttpProtocol  # noqa: E402
from swift.common.ring import RingBuilder  # noqa: E402
from swift.common.storage_policy import reload_storage_policies  # noqa: E402
from swift.common.wsgi import loadapp  # noqa: E402

KEEPERS = ("account", "container", "object")
PROXY = """
[DEFAULT]
swift_dir = {directory}
log_address = /nonexistent
log_level = ERROR
[pipeline:main]
pipeline = catch_errors gatekeeper cache listing_formats s3api tempauth copy bulk slo \
versioned_writes symlink proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true
object_post_as_copy = false
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
[filter:s3api]
use = egg:swift#s3api
s3_acl = false
check_bucket_owner = false
min_segment_size = {least_part}
location = us-east-1
ratelimit_as_client_error = true
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:1
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_object_versioning = true
"""
PLAIN = ("catch_errors", "gatekeeper", "listing_formats", "copy", "bulk", "slo", "symlink")
KEEPER = """
[DEFAULT]
swift_dir = {directory}
devices = {directory}/devices
mount_check = false
log_address = /nonexistent
log_level = ERROR
recon_cache_path = {directory}/cache
fallocate_reserve = 0
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
"""


def main(directory: Path, least_part: int) -> None:
    """Write what Swift wants to read, then serve until somebody ends this process."""
    (directory / "devices" / "d1").mkdir(parents=True)
    (directory / "cache").mkdir()
    (directory / "swift.conf").write_text(
        "[swift-hash]\nswift_hash_path_suffix = tests\n"
        "[storage-policy:0]\nname = Policy-0\ndefault = yes\n"
    )
    read_again(directory)
    for kind in KEEPERS:
        listener = eventlet.listen(("127.0.0.1", 0))
        make_ring(directory, kind, listener.getsockname()[1])
        serve(directory, listener, kind, KEEPER.format(directory=directory, kind=kind))
    listener = eventlet.listen(("127.0.0.1", 0))
    proxy = PROXY + "".join(f"[filter:{name}]\nuse = egg:swift#{name}\n" for name in PLAIN)
    settings = proxy.format(directory=directory, least_part=least_part)
    server = serve(directory, listener, "proxy", settings)
    ready = directory / "url.new"
    ready.write_text(f"http://127.0.0.1:{listener.getsockname()[1]}")
    ready.rename(directory / "url")
    server.wait()


def read_again(directory: Path) -> None:
    """Let Swift, which read /etc/swift/swift.conf when it was imported, read ours."""
    utils.set_swift_dir(str(directory))
    utils.validate_hash_conf()
    constraints.reload_constraints()
    reload_storage_policies()


def make_ring(directory: Path, kind: str, port: int) -> None:
    """Say where the one server of a kind is."""
    builder = RingBuilder(4, 1, 0)
    device = {"region": 1, "zone": 1, "ip": "127.0.0.1", "port": port, "device": "d1"}
    builder.add_dev({"id": 0, "weight": 1.0, **device})
    builder.rebalance()
    builder.get_ring().save(str(directory / f"{kind}.ring.gz"))


def serve(
    directory: Path, listener: object, kind: str, settings: str
) -> eventlet.greenthread.GreenThread:
    """Serve one of the servers beside the others."""
    configuration = directory / f"{kind}.conf"
    configuration.write_text(settings)
    application = loadapp(str(configuration), global_conf={"log_name": kind})
    return eventlet.spawn(
        wsgi.server,
        listener,
        application,
        utils.logs.NullLogger(),
        protocol=SwiftHttpProtocol,
        capitalize_response_headers=False,
        url_length_limit=constraints.MAX_REQUEST_LINE,
    )


if __name__ == "__main__":
    os.environ["TZ"] = "UTC+0"
    os.fsync = os.fdatasync = lambda _: None  # type: ignore[assignment]  # it dies with its tests
    main(Path(sys.argv[1]), int(sys.argv[2]))
