"""Every key of the configuration: the one table that reading, help, schema and reload follow."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from math import inf

from storewarden.config import schema
from storewarden.units import LONGEST, write_duration, write_share

ENVIRONMENT = "STOREWARDEN_"
NAME = r"[a-z][a-z0-9_-]{0,62}"  # of a root; 63 characters fit every place it is used in
NAME_RULE = "a name is a-z, then a-z 0-9 _ - (63 at most)"


class Kind(Enum):
    """What a value is; the reader, the JSON Schema and the reference know each."""

    PATH = auto()
    CATALOGUE = auto()
    SHARE = auto()
    DURATION = auto()
    CHOICE = auto()
    TRUTH = auto()
    PATTERNS = auto()
    NAMES = auto()  # patterns of bare names
    PLACES = auto()  # patterns that tell what a file belongs to
    LISTEN = auto()
    SOCKET = auto()  # a path, or `none`
    SOURCES = auto()  # files and directories of policies, and shipped ones
    URL = auto()
    ENDPOINT = auto()
    WORD = auto()
    CURRENCY = auto()
    PRICE = auto()
    SIZE = auto()  # bytes
    POINTS = auto()  # a whole number
    SERVER = auto()  # the address of a database that a server has
    COLUMN = auto()  # the name of a table or of a column
    RECEIVER = auto()  # the address that events are sent to
    EVENTS = auto()  # kinds of events
    TERMS = auto()  # what files have to meet
    COLUMNS = auto()  # the name of a column, or a list of them


@dataclass(frozen=True, slots=True)
class Key:
    """One key: how it is read, what it means, and whether a reload can apply it."""

    name: str
    kind: Kind
    default: str  # as it would be written
    about: str
    example: str
    live: bool = False
    choices: tuple[str, ...] = ()
    least: float = 0.0
    most: float = inf
    never: bool = False  # whether the word `never` is a value, meaning none at all


STATE = Key(
    "state",
    Kind.PATH,
    "$STATE_DIRECTORY, else ~/.local/state/storewarden",
    "Where the daemon keeps what is its own: the SQLite catalogue, its backups, the lock.",
    "/var/lib/storewarden",
)
CATALOGUE = Key(
    "catalogue",
    Kind.CATALOGUE,
    "sqlite",
    "The database that remembers everything: `sqlite` (in the state directory), "
    "`sqlite:///absolute/path`, or `postgresql://user@host/database` when several hosts share one.",
    "postgresql://storewarden@db.example.org/storewarden",
)
WATCH_SHARE = Key(
    "watch_share",
    Kind.SHARE,
    write_share(schema.WATCH_SHARE),
    "How much of `fs.inotify.max_user_watches` may be used; the rest stays for other programs. "
    "What does not fit is polled, and said.",
    "50%",
    least=0.01,
)
POLICIES = Key(
    "policies",
    Kind.SOURCES,
    schema.POLICIES[0],
    "What the policies are read from, in the order in which they count: files, directories (their "
    "`*.yaml` by name), and `shipped:NAME` for one that comes with the program. One, or a list; "
    "`[]` is none.",
    '["./policies", "shipped:trae"]',
    live=True,
)
CURRENCY = Key(
    "currency",
    Kind.CURRENCY,
    schema.CURRENCY,
    "What the prices of the stores are counted in, three letters.",
    "EUR",
    live=True,
)
ROOT_PATH = Key(
    "path",
    Kind.PATH,
    "",
    "The directory. It need not exist yet: the daemon waits for it, and says so.",
    "/srv/media/uploads",
    live=True,
)
ROOT_KEYS = (
    ROOT_PATH,
    Key(
        "watch",
        Kind.CHOICE,
        "auto",
        "How changes are noticed: `inotify` by events, `poll` by looking every `poll`; "
        "`auto` chooses from the file system and proves the choice.",
        "inotify",
        live=True,
        choices=("auto", "inotify", "poll"),
    ),
    Key(
        "settle",
        Kind.DURATION,
        write_duration(schema.SETTLE),
        "A file that nobody told to be closed is recorded after resting this long.",
        "500ms",
        live=True,
        least=0.01,
        most=3600,
    ),
    Key(
        "settle_cap",
        Kind.DURATION,
        write_duration(schema.SETTLE_CAP),
        "A file that never rests is recorded as growing after this. Longer than `settle`.",
        "5min",
        live=True,
        least=0.1,
        most=86_400,
    ),
    Key(
        "exclude",
        Kind.PATTERNS,
        "[]",
        "Names that are not watched and not recorded. `*.bak` is a name at any depth, "
        "`cache/*/raw` a path from the root (`**` crosses `/`), `node_modules/` directories only.",
        '["*.bak", "node_modules/"]',
        live=True,
    ),
    Key(
        "partial",
        Kind.NAMES,
        "[" + ", ".join(f'"{pattern}"' for pattern in schema.PARTIAL) + "]",
        "Names of what a program has not finished: being closed proves nothing for them, "
        "only resting for `settle_cap` does. A list replaces the whole default.",
        '["*.part", "*.uploading"]',
        live=True,
    ),
    Key(
        "rescan",
        Kind.DURATION,
        write_duration(schema.RESCAN),
        "How often the whole root is compared with the catalogue, whatever the events said.",
        "6h",
        live=True,
        least=1,
        most=30 * 86_400,
    ),
    Key(
        "poll",
        Kind.DURATION,
        write_duration(schema.POLL),
        "How often a root without events is looked at.",
        "2min",
        live=True,
        least=1,
        most=86_400,
    ),
    Key(
        "missing_share",
        Kind.SHARE,
        write_share(schema.MISSING_SHARE),
        "When a scan misses more than this share of a root's files at once, none becomes missing "
        "until a person says so. `never`: every missing file waits for a person.",
        "5%",
        live=True,
        never=True,
    ),
    Key(
        "digest",
        Kind.TRUTH,
        "true",
        "Whether the content is hashed (BLAKE3) in the background.",
        "false",
        live=True,
    ),
    Key(
        "inspect",
        Kind.TRUTH,
        "true",
        "Whether files are looked into in the background: what they are, how they were made.",
        "false",
        live=True,
    ),
    Key(
        "places",
        Kind.PLACES,
        "[" + ", ".join(f'"{pattern}"' for pattern in schema.PLACES) + "]",
        "What the path of a file tells about its workflow and scene, see "
        "[where a file lies](#where-a-file-lies). A list replaces the whole default; "
        "`[]` is none.",
        '["{workflow}/images/scene_{scene}.{ext}"]',
        live=True,
    ),
    Key(
        "usage",
        Kind.TRUTH,
        "false",
        "Whether it is counted how often each file is opened and written, see "
        "[how often files are used](../guide/usage.md). Costs a second watch for each directory; "
        "needs events, so not `watch: poll`.",
        "true",
        live=True,
    ),
    Key(
        "usage_keep",
        Kind.DURATION,
        write_duration(schema.USAGE_KEEP),
        "How long the counts of single days are kept. The totals and the last use stay.",
        "90d",
        live=True,
        least=86_400,
        most=3650 * 86_400,
    ),
)
HTTP_KEYS = (
    Key(
        "listen",
        Kind.LISTEN,
        str(schema.Listen()),
        "Address and port for /metrics, /healthz, /readyz and /api; port 0 is any free one, "
        "`unix:/run/storewarden/http.sock` a socket in the file system, `none` is no server. An "
        "address that other machines reach needs `web_config`. A socket that systemd hands over "
        "is taken instead.",
        "none",
    ),
    Key(
        "web_config",
        Kind.PATH,
        "",
        "A web configuration file as Prometheus and its exporters read it: a certificate "
        "(`tls_server_config`) and passwords hashed by bcrypt (`basic_auth_users`). It, and the "
        "certificate, are read again when they change.",
        "/etc/storewarden/web.yml",
    ),
)
API_KEYS = (
    Key(
        "socket",
        Kind.SOCKET,
        f"{schema.API_SOCKET} in the state directory",
        "The unix socket that applications speak to, see [HTTP](http.md); `none` is none. Who may "
        "enter its directory and write to it (its mode is 0660) may use it. While the daemon "
        "listens there, the file system that it lies on cannot be unmounted.",
        "/run/storewarden/api.sock",
    ),
    Key(
        "socket_without_token",
        Kind.CHOICE,
        schema.API_BY_SOCKET,
        "What may be done over that socket without a token: `none`, `read`, or `write`. Without a "
        "token it is the machine itself that speaks: it sees everything, and what it tells of "
        "belongs to nobody.",
        "read",
        live=True,
        choices=("none", "read", "write"),
    ),
    Key(
        "loopback_without_token",
        Kind.CHOICE,
        schema.API_BY_LOOPBACK,
        "What may be done below /api of `http.listen` without a token, from this machine only: "
        "`none`, or `read`. Every user of this machine could.",
        "read",
        live=True,
        choices=("none", "read"),
    ),
    Key(
        "keep_events",
        Kind.DURATION,
        write_duration(schema.KEEP_EVENTS),
        "How long the journal of events reaches back. A listener that was away for longer is told "
        "so. A day of one new file a second takes 9 MB.",
        "30d",
        live=True,
        least=3600,
        most=400 * 86_400,
    ),
    Key(
        "keep_usage",
        Kind.DURATION,
        "never",
        "After what time single calls of services, as applications told them, are forgotten: "
        "`never`, or a time. [Sums](../guide/statistics.md) of days stay for ever.",
        "400d",
        live=True,
        least=86_400,
        most=LONGEST,
        never=True,
    ),
    Key(
        "keep_chats",
        Kind.DURATION,
        "never",
        "After what time questions about files and their answers are forgotten: `never`, or a "
        "time.",
        "2y",
        live=True,
        least=86_400,
        most=LONGEST,
        never=True,
    ),
)
LISTENER_URL = Key(
    "url",
    Kind.RECEIVER,
    "",
    "Where events are sent: `https://host/path`, a webhook, or `redis://host:6379/0`. What it is "
    "known by comes from a credential or the environment, never from here: see "
    "[events](../guide/events.md).",
    "https://app.example.org/storewarden",
    live=True,
)
LISTENER_KEYS = (
    LISTENER_URL,
    Key(
        "events",
        Kind.EVENTS,
        "[]",
        "The kinds of events that are sent; none named: all.",
        "[created, missing]",
        live=True,
        choices=schema.EVENTS,
    ),
    Key(
        "files",
        Kind.TERMS,
        "[]",
        "Events of which files: terms as `storewarden files` takes them, all of which are met when "
        "the event is sent.",
        '["kind=video", "size>1MiB"]',
        live=True,
    ),
    Key(
        "stream",
        Kind.WORD,
        schema.LISTENER_STREAM,
        "The stream of Redis that events are added to. It keeps about the last 100,000.",
        "files",
        live=True,
    ),
    Key(
        "timeout",
        Kind.DURATION,
        write_duration(schema.LISTENER_TIMEOUT),
        "How long it may take to answer.",
        "30s",
        live=True,
        least=0.1,
        most=300,
    ),
)
LOG_KEYS = (
    Key(
        "level",
        Kind.CHOICE,
        "info",
        "The least important lines that are logged.",
        "debug",
        live=True,
        choices=("debug", "info", "warning", "error"),
    ),
    Key(
        "format",
        Kind.CHOICE,
        "auto",
        "`text` for people, `json` for machines, `journal` with the journal's priorities; "
        "`auto` is `journal` under systemd and `text` elsewhere.",
        "json",
        choices=("auto", "text", "json", "journal"),
    ),
)
STORE_PATH = Key(
    "path",
    Kind.PATH,
    "",
    "The directory, of a store on this machine; outside every root. Either this or `url`.",
    "/mnt/cold",
    live=True,
)
STORE_URL = Key(
    "url",
    Kind.URL,
    "",
    "The bucket, and what names in it begin with, of an object store.",
    "s3://bucket/prefix",
    live=True,
)
STORE_KEYS = (
    STORE_PATH,
    STORE_URL,
    Key(
        "endpoint",
        Kind.ENDPOINT,
        "",
        "Where the object store is, when it is not Amazon's.",
        "http://127.0.0.1:8333",
        live=True,
    ),
    Key("region", Kind.WORD, "", "Its region.", "eu-central-1", live=True),
    Key(
        "read_only",
        Kind.TRUTH,
        "false",
        "Whether it is only read: files are restored from it and checked in it, and nothing in it "
        "is ever written or removed.",
        "true",
        live=True,
    ),
    Key(
        "rate",
        Kind.SIZE,
        "",
        "How many bytes a second are written to it and read from it at most, all together.",
        "20MiB",
        live=True,
        least=4096,
    ),
    Key(
        "verify",
        Kind.CHOICE,
        schema.READ,
        "What proves that an object is there before a file may leave: `read` has all of it sent "
        "back; `checksum` takes the server's word for objects of up to 4 MiB, of which it "
        "answers with the checksum of what it stored. Reading costs money where an object store "
        "charges for it. Only for `s3://`.",
        schema.CHECKSUM,
        live=True,
        choices=(schema.READ, schema.CHECKSUM),
    ),
    Key(
        "scrub",
        Kind.SHARE,
        write_share(schema.SCRUB),
        "How much of what is stored is read again each day and compared with what it should be, "
        "that first which was not read for longest. At 1% every object is read within about 100 "
        "days. Object stores charge for reading. `never`: only by `storewarden store scrub`.",
        "5%",
        live=True,
        never=True,
    ),
)
PRICE_KEYS = (
    Key(
        "gib_month",
        Kind.PRICE,
        "",
        "What keeping a GiB for a month costs. Money is shown only where prices are.",
        "0.021",
        live=True,
    ),
    Key("gib_out", Kind.PRICE, "", "What reading a GiB back costs.", "0.09", live=True),
)
DATABASE_PATH = Key(
    "path",
    Kind.PATH,
    "",
    "The file of a SQLite database, in a root or outside of all. Either this or `url`.",
    "data/app.db",
    live=True,
)
DATABASE_URL = Key(
    "url",
    Kind.SERVER,
    "",
    "The address of a PostgreSQL database. A password in it is never shown; "
    "`~/.pgpass` keeps it out of the file.",
    "postgresql://warden@db.example.org/app",
    live=True,
)
DATABASE_KEYS = (DATABASE_PATH, DATABASE_URL)
TABLE_KEYS = (
    Key(
        "database",
        Kind.PATH,
        "",
        "The database that holds it: a name of `databases`, the path of a SQLite file, or the "
        "address of a PostgreSQL database.",
        "data/app.db",
        live=True,
    ),
    Key("table", Kind.COLUMN, "", "Its name there.", "conversations", live=True),
    Key(
        "key",
        Kind.COLUMNS,
        "",
        "The column that tells its rows apart; where it takes several, a list of them.",
        "id",
        live=True,
    ),
    Key(
        "clock",
        Kind.COLUMN,
        "",
        "The column that says when a row was last changed; phases count from it.",
        "updated_at",
        live=True,
    ),
)
MORE_TABLE_KEYS = (
    Key(
        "clock_unit",
        Kind.CHOICE,
        "by how large the number is",
        "What numbers in its clocks count, since 1970. Texts are read as dates, those without a "
        "zone as UTC.",
        "ms",
        live=True,
        choices=("s", "ms", "us", "ns"),
    ),
    Key(
        "deleted",
        Kind.COLUMN,
        "none",
        "The column that says that the application deleted a row, or when. A policy with this "
        "column for its clock is about those rows alone.",
        "deleted_at",
        live=True,
    ),
    Key(
        "file",
        Kind.COLUMN,
        "none",
        "The column that holds the path of the file that a row is about; `rows orphans` finds rows "
        "whose file is gone.",
        "video_path",
        live=True,
    ),
    Key(
        "files",
        Kind.PATH,
        "where the database is",
        "The directory that paths in `file` begin at, unless they begin with a slash.",
        "./save_outputs",
        live=True,
    ),
)
_HEALTH = {
    "integrity": "a database was found damaged, or the last copy of a file in a store",
    "foreign_keys": "an application does not heed the foreign keys that its database declares",
    "orphans": "a declared child table has rows whose parent is gone; for two of them at most, "
    "these points each",
    "slow_queries": "applications' databases took more than 0.1 s for more than ten statements "
    "within a day",
    "blind": "a root, or a part of it, cannot be seen",
    "disk_full": "a file system is more than 95% full, or will be full within seven days",
    "drill": "of a database under backup policy no backup was ever restored on trial",
    "backup": "the newest backup is older than twice its schedule",
    "jobs": "what is to be done fails again and again, or is overdue for a day",
    "behind": "the catalogue is behind by more than a minute, or cannot be written",
}
HEALTH_KEYS = (
    Key(
        "profile",
        Kind.CHOICE,
        schema.HEALTH_PROFILES[0],
        "How many points are lost for what, of 100: `default`, or `task45`, the formula of the "
        "Task 45 database work, which knows only of integrity (50), foreign_keys (10), orphans (5 "
        "each) and slow_queries (10). See [how healthy it is](../guide/health.md).",
        "task45",
        live=True,
        choices=schema.HEALTH_PROFILES,
    ),
    *(
        Key(
            reason,
            Kind.POINTS,
            "",
            f"Points that are lost when {_HEALTH[reason]}. 0: that is not looked at.",
            "20",
            live=True,
            most=100,
        )
        for reason in schema.HEALTH_REASONS
    ),
)
CHILDREN = "children"
PRICE = "price"
STORES, DATABASES, TABLES = "stores", "databases", "tables"
LISTENERS = "listeners"
SINGLE = (STATE, CATALOGUE, WATCH_SHARE, POLICIES, CURRENCY)
GROUPS = {"http": HTTP_KEYS, "api": API_KEYS, "log": LOG_KEYS, "health": HEALTH_KEYS}
TOP = (*(key.name for key in SINGLE), "roots", STORES, DATABASES, TABLES, LISTENERS, *GROUPS)
