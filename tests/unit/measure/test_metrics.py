"""The table of metrics, the registry made from it, and the page that explains it."""

import subprocess
import time
import typing
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from storewarden.measure.metrics import WORKS, Metrics, compressed, kind
from storewarden.measure.table import KINDS, PREFIX, TABLE, markdown
from tests.conftest import Golden
from tests.missing import program

TOP = Path(__file__).resolve().parents[3]
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


@pytest.fixture
def metrics() -> Metrics:
    made = Metrics("0.1.0")
    made.begin_root("uploads")
    return made


def exposed(metrics: Metrics, accept: str = "") -> str:
    return metrics.expose(accept)[1].decode()


def values(metrics: Metrics, name: str) -> dict[tuple[str, ...], float]:
    """The samples of one metric by their label values, in the order of the label names."""
    return {
        tuple(sample.labels[label] for label in sorted(sample.labels)): sample.value
        for family in text_string_to_metric_families(exposed(metrics))
        for sample in family.samples
        if sample.name == PREFIX + name
    }


def used(metrics: Metrics, roots: tuple[str, ...] = ("uploads",)) -> Metrics:
    """Every metric with every label it can have."""
    for root in roots:
        metrics.begin_root(root)
        for row in TABLE:
            if row.labels == ("root",):
                metric = getattr(metrics, row.name).labels(root=root)
                metric.inc(3)
        metrics.events_total.labels(root=root, type="closed").inc(5)
        metrics.recorded_total.labels(root=root, change="added").inc(4)
        metrics.set_totals(root, {(k, s): (1, 2) for k in KINDS for s in ("present", "missing")})
    metrics.record_lag_seconds.observe(0.2)
    metrics.worker_restarts_total.labels(worker="recorder").inc()
    metrics.inspected("png", "read", 3)
    metrics.inspection_seconds.observe(0.0002)
    metrics.child_died("time")
    metrics.provenance("comfyui", understood=True, files=2)
    metrics.show("generated_files", {("comfyui", "sd_xl_base_1.0.safetensors"): 2})
    metrics.show("generated_bytes", {("comfyui", "sd_xl_base_1.0.safetensors"): 3_000_000})
    metrics.show("policy_files", {("renders",): 7})
    metrics.show("uncovered_files", {("image",): 2})
    metrics.show("due_files", {("renders", "archive"): 3})
    metrics.show("overdue_seconds", {("renders",): 60.0})
    metrics.show("late_seconds", {("renders",): 0.0})
    metrics.show("blocked_files", {("pinned",): 1})
    return metrics


def test_every_row_is_a_typed_member_and_every_member_a_row() -> None:
    assert list(typing.get_type_hints(Metrics)) == [row.name for row in TABLE]


def test_every_name_is_as_prometheus_wants_it() -> None:
    for row in TABLE:
        assert (row.type == "counter") == row.name.endswith("_total"), row.name
        assert row.help.endswith("."), row.name


def test_the_reference_page_is_in_step_with_the_table() -> None:
    page = TOP / "docs" / "reference" / "metrics.md"

    remedy = f"python -m storewarden.measure.table > {page.relative_to(TOP)}"
    assert page.read_text() == markdown(), remedy


def test_a_policy_that_is_gone_is_shown_no_longer(metrics: Metrics) -> None:
    metrics.show("due_files", {("a", "trash"): 3, ("b", "copy"): 1})
    metrics.show("due_files", {("a", "trash"): 2})

    assert values(metrics, "due_files") == {("trash", "a"): 2}


def test_what_a_scrape_looks_like(metrics: Metrics, golden: Golden) -> None:
    lines = exposed(used(metrics)).splitlines(keepends=True)

    ours = [line for line in lines if "process_" not in line and "build_info{" not in line]
    golden("metrics.txt", "".join(ours))


@pytest.mark.parametrize("accept", ["", OPENMETRICS])
def test_the_format_is_the_one_asked_for(metrics: Metrics, accept: str) -> None:
    content_type, body = metrics.expose(accept)

    assert content_type.startswith("application/openmetrics-text" if accept else "text/plain")
    assert body.endswith(b"# EOF\n") == bool(accept)


@pytest.mark.parametrize(
    "accept", ["application/openmetrics-text; version=x", "text/plain;q=.5", ",;="]
)
def test_a_strange_wish_is_answered_in_plain_text(metrics: Metrics, accept: str) -> None:
    assert metrics.expose(accept)[0].startswith("text/plain")


def test_promtool_has_nothing_to_remark(metrics: Metrics) -> None:
    promtool = program("promtool", "prometheus")
    done = subprocess.run(
        [promtool, "check", "metrics"],
        input=exposed(used(metrics)).encode(),
        capture_output=True,
        check=False,
    )

    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


def test_totals_that_are_no_longer_named_become_zero(metrics: Metrics) -> None:
    metrics.set_totals("uploads", {("image", "present"): (3, 300), ("video", "present"): (1, 10)})
    metrics.set_totals("uploads", {("image", "present"): (2, 200), ("image", "missing"): (1, 100)})

    assert values(metrics, "files") == {
        ("image", "uploads", "missing"): 1,
        ("image", "uploads", "present"): 2,
        ("video", "uploads", "present"): 0,
    }
    assert values(metrics, "bytes")["image", "uploads", "present"] == 200


def test_kinds_that_are_not_ours_are_told_together(metrics: Metrics) -> None:
    metrics.set_totals("uploads", {("spell", "present"): (3, 30), ("other", "present"): (1, 1)})

    assert values(metrics, "files") == {("other", "uploads", "present"): 4}
    assert (kind("video"), kind("spell")) == ("video", "other")


def test_a_root_has_one_mode(metrics: Metrics) -> None:
    metrics.set_watch_mode("uploads", "poll")

    modes = {mode: value for (mode, _), value in values(metrics, "watch_mode").items()}
    assert modes == {"inotify": 0, "poll": 1, "none": 0}


def test_a_root_that_is_forgotten_leaves_nothing(metrics: Metrics) -> None:
    used(metrics, ("uploads", "other"))
    metrics.forget_root("uploads")

    assert 'root="uploads"' not in exposed(metrics)
    assert 'root="other"' in exposed(metrics)


def test_a_root_that_comes_back_starts_afresh(metrics: Metrics) -> None:
    metrics.set_totals("uploads", {("image", "present"): (3, 300)})
    metrics.forget_root("uploads")
    metrics.set_totals("uploads", {("video", "present"): (1, 1)})

    assert values(metrics, "files") == {("video", "uploads", "present"): 1}


def test_catalogue_errors_are_counted_by_a_fixed_list(metrics: Metrics) -> None:
    metrics.catalogue_error("full")
    metrics.catalogue_error("disk I/O error in /secret/path")

    counted = {k: v for k, v in values(metrics, "catalogue_errors_total").items() if v}
    assert counted == {("full",): 1, ("other",): 1}


def test_processes_that_ended_are_counted_by_a_fixed_list(metrics: Metrics) -> None:
    metrics.child_died("signal")
    metrics.child_died("/secret/path")

    counted = {k: v for k, v in values(metrics, "inspection_children_died_total").items() if v}
    assert counted == {("signal",): 1, ("other",): 1}


def test_each_worker_and_each_work_is_shown_before_anything_happens(metrics: Metrics) -> None:
    metrics.show_stuck(["recorder", "scanner"], {"scanner": 40.0})
    metrics.looked_for("stores", 5_500_000_000)

    assert values(metrics, "worker_stuck") == {("recorder",): 0, ("scanner",): 1}
    assert values(metrics, "worker_restarts_total") == {("recorder",): 0, ("scanner",): 0}
    works = values(metrics, "schedule_last_success_timestamp_seconds")
    assert works == {(work,): 5.5 if work == "stores" else 0 for work in WORKS}


def test_a_root_tells_how_often_it_is_to_be_scanned(metrics: Metrics) -> None:
    metrics.begin_root("uploads", 3600.0)

    assert values(metrics, "rescan_interval_seconds") == {("uploads",): 3600}


def test_what_a_look_found_is_counted(metrics: Metrics) -> None:
    metrics.inspected("png", "read")
    metrics.inspected("png", "read", 4)
    metrics.provenance("fooocus", understood=False)

    assert values(metrics, "inspections_total") == {("png", "read"): 5}
    assert values(metrics, "provenance_total") == {("fooocus", "no"): 1}


def test_every_histogram_says_its_buckets() -> None:
    assert all(bool(row.buckets) == (row.type == "histogram") for row in TABLE)


def test_a_scrape_is_quick_with_twenty_roots_of_every_kind(metrics: Metrics) -> None:
    used(metrics, tuple(f"root{n}" for n in range(20)))
    metrics.expose()

    took = []
    for _ in range(5):
        began = time.thread_time()
        compressed(metrics.expose(OPENMETRICS)[1])
        took.append(time.thread_time() - began)
    assert min(took) < 0.020
