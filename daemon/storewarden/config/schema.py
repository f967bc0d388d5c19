"""The configuration as the program sees it: whole, checked, every default filled in."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from storewarden.config.secret import redacted

WatchMode = Literal["auto", "inotify", "poll"]
LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["auto", "text", "json", "journal"]

# How long a file must rest before it counts as whole when nothing told that it was closed.
SETTLE = 2.0
# A file that never rests is recorded as growing after this.
SETTLE_CAP = 60.0
# Names that a program gives to what it has not finished: closing them proves nothing.
# The one but last is what rsync makes: a dot, the name, a dot, six random characters.
PARTIAL = (
    "*.part",
    "*.partial",
    "*.crdownload",
    "*.download",
    "*.aria2",
    "*.tmp",
    "*.temp",
    "*.filepart",
    "*.!qB",
    "*.opdownload",
    ".*.??????",
    ".~tmp~",
)
RESCAN = 3600.0
POLL = 30.0
# More than this share of a root's rows never becomes missing in one scan without a person's word.
MISSING_SHARE = 0.2
# A directory named by a UUID is a workflow; a name that says scene_7, of a file or of a directory,
# is a scene.
PLACES = (
    "**/{workflow:uuid}/**",
    "**/*scene_{scene:int}*",
    "**/*scene_{scene:int}*/**",
)
USAGE_KEEP = 60 * 86_400.0
# The rest of fs.inotify.max_user_watches stays for the user's editors and desktop.
WATCH_SHARE = 0.75
LOCAL = "local"  # the roots themselves, as a store
# Records and cares for databases, and deletes nothing.
POLICIES = ("shipped:safe-default",)
CURRENCY = "USD"
# Read again each day of what is stored: all of it within a hundred days.
SCRUB = 0.01
READ, CHECKSUM = "read", "checksum"  # how it is seen that an object is there
# What points are lost for, see health.
HEALTH_REASONS = (
    "integrity",
    "foreign_keys",
    "orphans",
    "slow_queries",
    "blind",
    "disk_full",
    "drill",
    "backup",
    "jobs",
    "behind",
)
HEALTH_PROFILES = ("default", "task45")
HTTP_HOST, HTTP_PORT = "127.0.0.1", 9747
KEEP_EVENTS = 7 * 86_400.0
LISTENER_TIMEOUT = 10.0
LISTENER_STREAM = "storewarden"
EVENTS = (
    *("created", "changed", "saved-over", "renamed", "missing", "returned", "replaced"),
    *(
        "described",
        "pinned",
        "unpinned",
        "rated",
        "tagged",
        "owned",
        "told",
        "copied",
        "moved",
        "archived",
    ),
    *("trashed", "purged", "restored", "restored-elsewhere", "vanished", "copy-replaced"),
    *("copy-outdated", "copy-lost", "copy-damaged", "copy-sound", "missed"),
)
API_SOCKET = "api.sock"  # in the state directory
API_BY_SOCKET: Final = "write"  # what is allowed without a token
API_BY_LOOPBACK: Final = "none"


@dataclass(frozen=True, slots=True)
class RootSettings:
    """One watched directory; times are seconds, ``path`` is absolute."""

    name: str
    path: bytes
    watch: WatchMode = "auto"
    settle: float = SETTLE
    settle_cap: float = SETTLE_CAP
    exclude: tuple[str, ...] = ()
    partial: tuple[str, ...] = PARTIAL
    rescan: float = RESCAN
    poll: float = POLL
    missing_share: float = MISSING_SHARE
    digest: bool = True
    inspect: bool = True
    places: tuple[str, ...] = PLACES
    usage: bool = False
    usage_keep: float = USAGE_KEEP
    create: bool = False  # make the directory when it is missing: the built-in roots only


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Where files can be besides their roots: a directory or an object store; or `local`.

    Of the roots themselves, `local`, only the price can be told.
    """

    name: str
    path: bytes | None = None  # absolute
    url: str | None = field(default=None, repr=False)  # "s3://bucket/prefix"
    endpoint: str | None = None
    region: str | None = None
    read_only: bool = False
    rate: int | None = None  # bytes a second, in both directions together
    verify: str = READ  # or CHECKSUM: what proves a small object that was just put
    scrub: float = SCRUB  # of what is stored, each day; 0: never
    gib_month: float | None = None  # what a GiB costs in a month
    gib_out: float | None = None  # what reading a GiB back costs

    @property
    def shown(self) -> str:
        """Where it is, for people."""
        if self.path is not None:
            return self.path.decode("utf-8", "backslashreplace")
        return redacted(self.url or self.name)


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """A database under a name of its own: a file, or what a server has."""

    name: str
    path: bytes | None = None  # absolute
    url: str | None = field(default=None, repr=False)  # "postgresql://user@host/database"

    @property
    def place(self) -> bytes:
        """Where it is, without a password: what tells it apart from all others."""
        return self.path if self.path is not None else redacted(self.url or "").encode()

    @property
    def shown(self) -> str:
        """Where it is, for people."""
        return self.place.decode("utf-8", "backslashreplace")


@dataclass(frozen=True, slots=True)
class ListenerSettings:
    """Whom events are sent to: a webhook, or a stream of Redis; of what and of which files."""

    name: str
    url: str
    stream: str = LISTENER_STREAM  # of Redis
    events: tuple[str, ...] = ()  # of these kinds; none: of all
    files: tuple[str, ...] = ()  # that meet these terms
    timeout: float = LISTENER_TIMEOUT


@dataclass(frozen=True, slots=True)
class TableSettings:
    """A table of an application's database, of which policies may speak as `rows`."""

    name: str
    database: bytes  # the absolute path of a file, or the address at a server without a password
    table: str
    key: tuple[str, ...]
    clock: str
    children: tuple[tuple[str, tuple[str, ...]], ...] = ()  # tables of it, and by which columns
    clock_unit: str | None = None  # "s", "ms", "us", "ns"; else by how large a number is
    deleted: str | None = None  # the column that says that a row is deleted, or when
    file: str | None = None  # the column that holds the path of a row's file
    files: bytes | None = None  # where such paths begin, absolute; else beside the database
    url: str | None = field(default=None, repr=False)  # of the server that has the database
    declared_at: str = field(default="", compare=False)  # for people


@dataclass(frozen=True, slots=True)
class Listen:
    """An address, or a socket in the file system; without either there is no server."""

    host: str = HTTP_HOST
    port: int | None = HTTP_PORT  # 0 is any free one
    socket: bytes | None = None  # absolute

    @property
    def served(self) -> bool:
        """Whether there is a server at all."""
        return self.port is not None or self.socket is not None

    def __str__(self) -> str:
        """Return it as it is written in a configuration."""
        if self.socket is not None:
            return f"unix:{self.socket.decode('utf-8', 'backslashreplace')}"
        if self.port is None:
            return "none"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Where /metrics and the health pages are served, and to whom."""

    listen: Listen = Listen()
    web_config: bytes | None = None  # absolute: TLS and passwords, as Prometheus writes them


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """How applications reach the daemon, and what they may without a token."""

    socket: Path | None = None  # absolute; None: there is none
    socket_without_token: Literal["none", "read", "write"] = API_BY_SOCKET
    loopback_without_token: Literal["none", "read"] = API_BY_LOOPBACK
    keep_events: float = KEEP_EVENTS
    keep_usage: float = 0.0  # seconds; 0: for ever
    keep_chats: float = 0.0


@dataclass(frozen=True, slots=True)
class LogSettings:
    """How much is logged, and for whom."""

    level: LogLevel = "info"
    format: LogFormat = "auto"


@dataclass(frozen=True, slots=True)
class HealthSettings:
    """How many points are lost for what: those of a profile, but for those that are given."""

    profile: str = HEALTH_PROFILES[0]
    points: tuple[tuple[str, int], ...] = ()  # by reason

    def given(self, reason: str) -> int | None:
        """Return the points that are given for a reason, None where the profile says them."""
        return dict(self.points).get(reason)


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole configuration. It compares by value and shows no password."""

    state: Path
    catalogue: str = field(repr=False)  # "sqlite", "sqlite:///absolute/path" or "postgresql://…"
    roots: tuple[RootSettings, ...]
    http: HttpSettings = HttpSettings()
    watch_share: float = WATCH_SHARE
    log: LogSettings = LogSettings()
    policies: tuple[str, ...] = POLICIES  # absolute paths, and "shipped:NAME"
    stores: tuple[StoreSettings, ...] = ()
    currency: str = CURRENCY
    databases: tuple[DatabaseSettings, ...] = ()
    tables: tuple[TableSettings, ...] = ()
    health: HealthSettings = HealthSettings()
    api: ApiSettings = ApiSettings()
    listeners: tuple[ListenerSettings, ...] = ()
    source: str = "the built-in defaults"  # for people: which file, which variables

    @property
    def store_names(self) -> tuple[str, ...]:
        """The stores that files can go to: all but `local`."""
        return tuple(store.name for store in self.stores if store.name != LOCAL)

    @property
    def table_names(self) -> tuple[str, ...]:
        """The declared tables."""
        return tuple(table.name for table in self.tables)

    @property
    def catalogue_shown(self) -> str:
        """The catalogue's address without its password."""
        return redacted(self.catalogue)
