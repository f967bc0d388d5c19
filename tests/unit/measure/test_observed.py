"""Our histogram tells what the library's own tells, whatever is observed and whoever asks."""

import threading

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from storewarden.measure.observed import Observed

BOUNDS = (0.001, 0.1, 1.0, 2.5)


def exposed(registry: CollectorRegistry) -> list[str]:
    lines = generate_latest(registry).decode().splitlines()
    return sorted(line for line in lines if "_created" not in line)


@given(st.lists(st.one_of(st.sampled_from(BOUNDS), st.floats(0, 1e6))))
def test_it_tells_what_the_library_s_own_tells(amounts: list[float]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    observed = Observed("some_seconds", "How long.", BOUNDS, ours)
    histogram = Histogram("some_seconds", "How long.", registry=theirs, buckets=BOUNDS)
    for amount in amounts:
        observed.observe(amount)
        histogram.observe(amount)
    assert exposed(ours) == exposed(theirs)


def test_who_asks_for_it_by_name_gets_it_and_nothing_else() -> None:
    registry = CollectorRegistry()
    Observed("some_seconds", "How long.", BOUNDS, registry).observe(0.5)
    Observed("other_seconds", "How long.", BOUNDS, registry)
    asked = registry.restricted_registry(["some_seconds_count"])
    lines = generate_latest(asked).decode().splitlines()
    assert [line for line in lines if line[0] != "#"] == ["some_seconds_count 1.0"]


def test_threads_that_observe_together_lose_nothing() -> None:
    registry = CollectorRegistry()
    observed = Observed("some_seconds", "How long.", BOUNDS, registry)

    def observe() -> None:
        for _ in range(5_000):
            observed.observe(0.5)

    threads = [threading.Thread(target=observe) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert registry.get_sample_value("some_seconds_count") == 20_000
    assert registry.get_sample_value("some_seconds_sum") == 10_000
