"""However much there is and whatever it is called: a scrape has 2,000 series at most."""

import itertools
import re

from prometheus_client.parser import text_string_to_metric_families

from storewarden.catalogue.rules import FILE_STATES
from storewarden.catalogue.written import COUNTED
from storewarden.daemon.tending.spending import CURRENCIES, PROVIDERS
from storewarden.facts.inspectors import INSPECTORS
from storewarden.health.reasons import REASONS
from storewarden.measure.labels import folded, labels
from storewarden.measure.metrics import MODES, WORKS, Metrics
from storewarden.measure.table import KINDS, PREFIX, TABLE

SERIES = 2000
NAMES = (
    "app.db",
    "../../etc/shadow",
    "two\nlines",
    '"} 1\nstorewarden_ready{a="',
    "\x1b[31mred",
    "other",
    "ä ö ü",
    "long" * 100,
    "{{ $value }}",
    "\udcff\udcfe",
    "with space",
    "-",
)
MODELS = 41  # with those that are told together

# A large installation. What a person configures is as much as that; of the rest it is all there is.
ROOTS = ("uploads", "renders", "archive")
POLICIES = tuple(f"policy-{number}" for number in range(8))
STORES = ("nas", "cloud", "cold")
TABLES = tuple(f"app.table{number}" for number in range(5))
WORKERS = 14
CARE = ("look", "check", "backup", "drill", "analyze", "vacuum")

FIXED: dict[str, tuple[str, ...]] = {
    "root": ROOTS,
    "kind": KINDS,
    "state": FILE_STATES,
    "policy": POLICIES,
    "store": STORES,
    "table": TABLES,
    "type": ("closed", "created", "moved", "deleted", "modified"),
    "change": COUNTED[:-1],
    "mode": MODES,
    "inspector": tuple(INSPECTORS),
    "outcome": ("done", "failed", "refused"),
    "action": ("archive", "trash"),
    "what": CARE,
    "worker": tuple(f"worker{number}" for number in range(WORKERS)),
    "why": ("held", "pinned", "required", "unknown", "sidecar", "growing"),
    "understood": ("yes", "no"),
    "tool": tuple(f"tool{number}" for number in range(20)),
    "reason": REASONS,
    "work": WORKS,
    "guard": ("max_share",),
    "user": tuple(f"user{number}" for number in range(11)),
    "provider": tuple(f"provider{number}" for number in range(PROVIDERS + 1)),
    "currency": tuple(f"A{number}" for number in range(CURRENCIES)),
    "direction": ("in", "out"),
    "listener": tuple(f"listener{number}" for number in range(10)),
    "about": ("telling", "asking", "events", "users", "about", "none"),
    "status": ("2xx", "4xx", "5xx"),
    "version": ("1",),
    "python": ("3",),
}
TOGETHER = {"usage_events_total": ("open", "write", "own"), "jobs": ("running", "waiting")}


def everything() -> Metrics:
    """Every metric with every label that it may have there, and a thousand odd databases."""
    metrics = Metrics("1")
    hostile = [f"{odd}-{number}" for number in range(100) for odd in NAMES]
    named = labels(hostile)
    assert len(hostile) >= 1000
    for row in TABLE:
        if row.name == "slow_queries_total":  # few applications count theirs
            for number in range(21):
                metrics.slow_queries_total.labels(f"{number}.db")
        elif row.labels == ("database",):
            sizes = folded(dict.fromkeys(hostile, 1), named, lambda one, other: one + other)
            metrics.show(row.name, sizes)
        elif row.labels == ("tool", "model"):
            pairs: dict[tuple[str, ...], float] = {
                ("comfyui", f"model{number}"): 1.0 for number in range(MODELS)
            }
            metrics.show(row.name, pairs)
        else:
            fill(metrics, row.name, row.labels)
    return metrics


def fill(metrics: Metrics, name: str, wanted: tuple[str, ...]) -> None:
    metric = getattr(metrics, name)
    values = [FIXED[label] for label in wanted]
    if name in TOGETHER:
        values[-1] = TOGETHER[name]
    for one in itertools.product(*values) if wanted else ():
        metric.labels(*one)


def test_a_scrape_has_a_bounded_number_of_series() -> None:
    body = everything().expose()[1].decode()

    families = list(text_string_to_metric_families(body))
    told = {sample.name for family in families for sample in family.samples}
    series = sum(len(family.samples) for family in families)
    rows = {PREFIX + row.name for row in TABLE if row.type != "histogram"}
    assert rows - told == set()
    assert series <= SERIES


def test_no_label_holds_what_is_hostile() -> None:
    body = everything().expose()[1].decode()
    values = {
        value
        for family in text_string_to_metric_families(body)
        for sample in family.samples
        for name, value in sample.labels.items()
        if name == "database"
    }

    assert len(values) > 50
    assert {one for one in values if not re.fullmatch(r"[\w.+~-]{1,80}", one)} == set()
