"""Every key of a policy file: the one table that reading, hints and the JSON Schema follow."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from math import inf

from storewarden.policy.rules import Force

DAY = 86_400.0
YEAR = 365 * DAY


class Form(Enum):
    """What a value is; those of the first group are read by `values`, others by a file each."""

    TEXT = auto()
    ID = auto()
    TRUTH = auto()
    CHOICE = auto()
    DURATION = auto()
    SIZE = auto()
    SHARE = auto()
    COUNT = auto()
    STORE = auto()
    STORES = auto()
    CRON = auto()
    EXPRESSION = auto()
    ORDER = auto()

    VERSION = auto()
    CLASSES = auto()
    POLICIES = auto()
    MATCH = auto()
    PLACE = auto()
    EVALUATE = auto()
    PHASES = auto()
    CARE = auto()
    BACKUP = auto()
    VACUUM = auto()
    TIMER = auto()
    TRIGGERS = auto()
    PRESSURE = auto()
    GUARD = auto()
    TESTS = auto()
    GIVEN = auto()
    EXPECT = auto()


@dataclass(frozen=True, slots=True)
class Key:
    """One key: what it holds, what it means, how it may look."""

    name: str
    form: Form
    about: str
    example: str
    choices: tuple[str, ...] = ()
    least: float = 0.0
    most: float = inf
    never: bool = False  # whether the word `never` is a value, meaning no limit
    local: bool = False  # whether the store may be the root itself

    def __str__(self) -> str:
        return f"{self.name}: {self.example}"


# -- the file -----------------------------------------------------------------------------------

VERSION = Key("version", Form.VERSION, "The version of the language this file is written in.", "1")
CLASSES = Key(
    "classes",
    Form.CLASSES,
    "Sets of files, each by its name: a condition that policies can speak of.",
    "{render: {kind: video, root: save_outputs}}",
)
POLICIES = Key(
    "policies",
    Form.POLICIES,
    "The statements, in the order in which they count: of each kind the first that matches wins.",
    "[{id: renders, match: {kind: video}, place: {required: [local]}}]",
)
GUARD = Key(
    "guard",
    Form.GUARD,
    "How much one run may do before a person is asked; every policy of the file inherits it.",
    "{max_objects: 100}",
)
TESTS = Key(
    "tests",
    Form.TESTS,
    "What is to be decided of files that are thought up; `storewarden policy test` tries it.",
    "[{given: {kind: video, last_used: 40d}, expect: {do: archive}}]",
)
TOP = (VERSION, CLASSES, POLICIES, GUARD, TESTS)

# -- a policy -----------------------------------------------------------------------------------

ID = Key("id", Form.ID, "Its name: a-z, then a-z 0-9 _ - (63 at most).", "old-renders")
MATCH = Key(
    "match",
    Form.MATCH,
    "Which files it is about: terms that all hold, the name of a class, or `all`, `any`, `not`.",
    "{kind: video, root: save_outputs}",
)
CLOCK = Key(
    "clock",
    Form.CHOICE,
    "From when the time of a phase counts; of rows, a column of their table.",
    "last_used",
    choices=("created", "modified", "last_used"),
)
PLACE = Key(
    "place",
    Form.PLACE,
    "Where the files belong: `required`, `preferred` or `evaluate`.",
    "{required: [local]}",
)
PHASES = Key(
    "phases",
    Form.PHASES,
    "The life of the files, step after step: `copy`, `archive`, `trash`, `purge`.",
    "[{after: 30d, do: trash}]",
)
CARE = Key(
    "care",
    Form.CARE,
    "What is done for databases: backups, checks, drills.",
    "{integrity: {every: 1d}}",
)
HOLD = Key("hold", Form.TRUTH, "Hands off: nothing that frees bytes is done to the files.", "true")
TRIGGER = Key(
    "trigger",
    Form.TRIGGERS,
    "When due work is done: `event` (at once), `every`, `cron`, `pressure`; one or a list.",
    "[event, {every: 1h}]",
)
OBSERVE = Key(
    "observe",
    Form.TRUTH,
    "Whether a new or changed policy only shows what it would do until a person applies it once.",
    "false",
)
CATEGORY = Key("category", Form.TEXT, "A word for reports.", "performance_critical")
REASON = Key("reason", Form.TEXT, "Why: shown wherever the policy decides.", "Masters stay here")
POLICY = (
    ID,
    MATCH,
    CLOCK,
    PLACE,
    PHASES,
    CARE,
    HOLD,
    TRIGGER,
    GUARD,
    OBSERVE,
    CATEGORY,
    REASON,
)

# -- place --------------------------------------------------------------------------------------

REQUIRED = Key(
    "required",
    Form.STORES,
    "The stores in which the files have to be; `local` is where they are made.",
    "[local]",
    local=True,
)
PREFERRED = Key(
    "preferred",
    Form.STORES,
    "The store in which the files should be; the first that is there.",
    "[cloud]",
    local=True,
)
EVALUATE = Key(
    "evaluate",
    Form.EVALUATE,
    "Where the files belong, by how they are used.",
    '{window: 30d, local_if: "opens_per_day >= 5", else: cloud}',
)
PLACES = (REQUIRED, PREFERRED, EVALUATE)

WINDOW = Key(
    "window",
    Form.DURATION,
    "How far back use is counted.",
    "30d",
    least=DAY,
    most=10 * YEAR,
)
LOCAL_IF = Key(
    "local_if",
    Form.EXPRESSION,
    "What has to hold for the files to be here.",
    '"opens_per_day >= 5 or writes_per_day >= 1"',
)
ELSE = Key("else", Form.STORE, "The store for all others.", "cloud")
MIN_STAY = Key("min_stay", Form.DURATION, "How long a file stays where it was put, at least.", "7d")
HYSTERESIS = Key(
    "hysteresis",
    Form.SHARE,
    "By how much a limit has to be passed for a file to change its place.",
    "20%",
)
EVALUATION = (WINDOW, LOCAL_IF, ELSE, MIN_STAY, HYSTERESIS)

# -- phases -------------------------------------------------------------------------------------

DONE = tuple(force.word for force in (Force.COPY, Force.ARCHIVE, Force.TRASH, Force.PURGE))

DO = Key("do", Form.CHOICE, "What is done.", "archive", choices=DONE)
AFTER = Key("after", Form.DURATION, "How long after the policy's clock.", "30d")
AFTER_PREVIOUS = Key(
    "after_previous", Form.DURATION, "How long after the phase before was done.", "7d"
)
TO = Key("to", Form.STORE, "The store that it goes to; for `copy` and `archive`.", "cloud")
COMPRESS = Key("compress", Form.CHOICE, "How it is packed there.", "zstd", choices=("zstd",))
PHASE = (AFTER, AFTER_PREVIOUS, DO, TO, COMPRESS)

# -- care ---------------------------------------------------------------------------------------

EVERY = Key("every", Form.DURATION, "How often.", "1d", least=60, most=10 * YEAR)
CRON = Key(
    "cron",
    Form.CRON,
    "When, by the calendar of the machine: minute, hour, day, month, day of the week.",
    '"0 3 * * *"',
)
TIMER = (EVERY, CRON)

BACKUP = Key(
    "backup",
    Form.BACKUP,
    "When a database is backed up, and which backups are kept.",
    '{cron: "0 3 * * *", keep_last: 14}',
)
INTEGRITY = Key("integrity", Form.TIMER, "When its integrity is checked.", "{every: 1d}")
VACUUM = Key(
    "vacuum",
    Form.VACUUM,
    "When it is rewritten without its empty pages.",
    '{when: "free_ratio > 0.25"}',
)
ANALYZE = Key("analyze", Form.TIMER, "When its planner's figures are renewed.", "{every: 7d}")
DRILL = Key("drill", Form.TIMER, "When the newest backup is restored on trial.", "{every: 7d}")
CARES = (BACKUP, INTEGRITY, VACUUM, ANALYZE, DRILL)

KEEP_LAST = Key("keep_last", Form.COUNT, "So many of the newest are kept.", "14", least=1)
KEEP_HOURLY = Key(
    "keep_hourly",
    Form.COUNT,
    "The newest of each hour is kept, of the last so many hours that have one.",
    "24",
    least=1,
)
KEEP_DAILY = Key(
    "keep_daily",
    Form.COUNT,
    "The newest of each day is kept, of the last so many days that have one.",
    "7",
    least=1,
)
KEEP_WEEKLY = Key(
    "keep_weekly",
    Form.COUNT,
    "The newest of each week is kept, of the last so many weeks that have one.",
    "4",
    least=1,
)
KEEP_MONTHLY = Key(
    "keep_monthly",
    Form.COUNT,
    "The newest of each month is kept, of the last so many months that have one.",
    "12",
    least=1,
)
KEEP_YEARLY = Key(
    "keep_yearly",
    Form.COUNT,
    "The newest of each year is kept, of the last so many years that have one.",
    "10",
    least=1,
)
KEEP_WITHIN = Key(
    "keep_within",
    Form.DURATION,
    "All that are younger than the newest by less than this are kept.",
    "30d",
    least=60,
    most=100 * YEAR,
)
KEEPS = (
    KEEP_LAST,
    KEEP_HOURLY,
    KEEP_DAILY,
    KEEP_WEEKLY,
    KEEP_MONTHLY,
    KEEP_YEARLY,
    KEEP_WITHIN,
)
FULL = Key(
    "full",
    Form.TIMER,
    "When a whole backup is taken; those between hold only what changed. Without, every 7 days.",
    "{every: 7d}",
)
BACKUP_COMPRESS = Key(
    "compress",
    Form.CHOICE,
    "How whole backups are packed; without, as they are in directories, and packed elsewhere.",
    "zstd",
    choices=("zstd", "none"),
)
BACKUP_TO = Key("to", Form.STORE, "The store that backups go to; without, they stay here.", "cloud")
BACKUPS = (*TIMER, *KEEPS, FULL, BACKUP_COMPRESS, BACKUP_TO)

WHEN = Key("when", Form.EXPRESSION, "What has to hold.", '"free_ratio > 0.25"')
VACUUMS = (WHEN, *TIMER)

# -- triggers -----------------------------------------------------------------------------------

EVENT = "event"
PRESSURE = Key(
    "pressure",
    Form.PRESSURE,
    "Only while the file system is fuller than `high`, until it is below `low`.",
    "{high: 90%, low: 80%, order: [regenerable desc, last_used asc]}",
)
TRIGGERS = (*TIMER, PRESSURE)

HIGH = Key("high", Form.SHARE, "It begins above this.", "90%", least=0.01)
LOW = Key("low", Form.SHARE, "It ends below this.", "80%", least=0.01)
ORDER = Key(
    "order",
    Form.ORDER,
    "What goes first when not everything has to.",
    "[regenerable desc, last_used asc]",
)
PRESSURES = (HIGH, LOW, ORDER)
ORDERED_BY = (
    "size",
    "age",
    "modified",
    "last_used",
    "regenerable",
    "rating",
    "cost",
    "opens_per_day",
)

# -- guard --------------------------------------------------------------------------------------

LOOSEN = Key(
    "loosen", Form.TRUTH, "Said beside a limit that is wider than what it replaces.", "true"
)
GUARDS = (
    Key("max_objects", Form.COUNT, "So many files, at most.", "100", least=1, never=True),
    Key("max_bytes", Form.SIZE, "So many bytes, at most.", "20GiB", least=1, never=True),
    Key(
        "max_share",
        Form.SHARE,
        "This share of the files that the policy is about, at most.",
        "5%",
        never=True,
    ),
    Key(
        "max_errors",
        Form.SHARE,
        "It stops when more than this share of the work fails.",
        "1%",
        never=True,
    ),
    LOOSEN,
)

# -- tests --------------------------------------------------------------------------------------

GIVEN = Key(
    "given",
    Form.GIVEN,
    "Facts of a file that is thought up: terms, classes, `last_used`.",
    "{kind: video, last_used: 40d}",
)
AT = Key("at", Form.DURATION, "How old the file is then.", "40d")
EXPECT = Key("expect", Form.EXPECT, "What is to be decided.", "{do: archive, policy: old-renders}")
TEST = (GIVEN, AT, EXPECT)

NOTHING = "nothing"
EXPECT_DO = Key(
    "do",
    Form.CHOICE,
    "The next thing that is done to it then, if anything.",
    "archive",
    choices=(*(force.word for force in Force), NOTHING),
)
EXPECT_POLICY = Key("policy", Form.ID, "The policy that says so.", "old-renders")
EXPECT_CATEGORY = Key("category", Form.TEXT, "The category that it says.", "performance_critical")
EXPECTED = (EXPECT_DO, EXPECT_POLICY, EXPECT_CATEGORY)

# What people write who know other languages, and what it is called here.
MEANT = {
    "on": "trigger",
    "triggers": "trigger",
    "schedule": "trigger",
    "when": "match",
    "filter": "match",
    "filters": "match",
    "if": "match",
    "name": "id",
    "action": "phases",
    "actions": "phases",
    "then": "phases",
    "steps": "phases",
    "description": "reason",
    "comment": "reason",
    "guards": "guard",
    "policy": "policies",
    "rules": "policies",
    "otherwise": "else",
    "elsewhere": "else",
    "store": "to",
    "order_by": "order",
    "sort": "order",
    "interval": "every",
    "min_age": "after",
    "age": "after",
    "keep_hours": "keep_hourly",
    "keep_days": "keep_daily",
    "keep_weeks": "keep_weekly",
    "keep_months": "keep_monthly",
    "keep_years": "keep_yearly",
    "retention": "keep_within",
    "codec": "compress",
    "compression": "compress",
    "full_every": "full",
}

# What is not said by a key at all.
ADVICE = {
    "priority": "the order of the policies counts",
    "weight": "the order of the policies counts",
    "enabled": "leave the policy out, or write a remark of it",
    "disabled": "leave the policy out, or write a remark of it",
    "dry_run": "storewarden plan shows what would be done",
    "ignore": "write a policy with hold: true before it",
    "exclude": "write not: in match",
    "include": "there is one set: name every file under policies in the configuration",
    "defaults": "only guard is inherited",
    "stores": "they stand in the configuration",
    "tables": "they stand in the configuration",
    "keep": "say keep_last, keep_daily or another that begins with keep_",
    "incremental": "say when whole ones are taken, as in full: {every: 7d}",
}
