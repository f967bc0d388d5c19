"""Whatever is wrong, a score is from 0 to 100 and every lost point has a name."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from storewarden.config.schema import HEALTH_REASONS, HealthSettings
from storewarden.health import probes
from storewarden.health.losses import DAY_NS, losses
from storewarden.health.probes import Probes
from storewarden.health.profiles import profile_of
from storewarden.health.score import score, total
from storewarden.health.steady import Steady

NOW = 1_795_246_201_000_000_000
NAMES = st.sampled_from(["a", "b", "app.db", "up"])
TIMES = st.integers(NOW - 9 * DAY_NS, NOW + 9 * DAY_NS)
BYTES = st.integers(0, 1 << 44)


def several(of: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(of, max_size=14).map(tuple)


PROBES = st.builds(
    Probes,
    damaged=several(st.builds(probes.Damaged, NAMES, st.text(max_size=9), st.booleans())),
    last_copies=several(st.builds(probes.LastCopies, NAMES, st.integers(1, 9))),
    unheeded=several(NAMES),
    orphans=several(st.builds(probes.Orphans, NAMES, NAMES, st.integers(0, 9))),
    slow=several(st.builds(probes.Slow, NAMES, NAMES, st.floats(0, 30))),
    unseen=several(st.builds(probes.Unseen, NAMES, NAMES, st.binary(max_size=9))),
    disks=several(
        st.builds(probes.Disk, several(NAMES), BYTES, BYTES, st.none() | TIMES, st.booleans())
    ),
    backed=several(
        st.builds(
            probes.Backed,
            NAMES,
            st.none() | st.integers(1, DAY_NS),
            TIMES,
            st.none() | TIMES,
            st.none() | TIMES,
        )
    ),
    care=several(st.builds(probes.Care, NAMES, st.just("check"), TIMES, st.integers(0, 9))),
    acts=several(st.builds(probes.Acts, NAMES, st.integers(1, 9), TIMES)),
    late=several(st.builds(probes.Late, st.just("") | NAMES, st.floats(0, 1e6))),
)
POINTS = st.dictionaries(st.sampled_from(HEALTH_REASONS), st.integers(0, 100))
SETTINGS = st.builds(
    HealthSettings,
    st.sampled_from(["default", "task45"]),
    POINTS.map(lambda points: tuple(points.items())),
)


@given(PROBES, SETTINGS)
def test_every_lost_point_has_a_name(probed: Probes, settings: HealthSettings) -> None:
    profile = profile_of(settings)
    judged = score(probed, profile, NOW)
    assert 0 <= judged.score <= 100
    assert judged.score == max(0, 100 - sum(one.points for one in judged.deductions))
    assert judged.score == max(0, 100 - sum(judged.points().values()))
    keys = [one.key for one in judged.deductions]
    assert len(keys) == len(set(keys))
    for one in judged.deductions:
        assert one.reason in HEALTH_REASONS
        assert one.points >= 0
        assert profile.points[one.reason] > 0
        assert one.object
        assert one.detail
        assert one.remedy
    named = sum(1 + one.more for one in judged.deductions)
    assert named == sum(profile.heeds(loss.reason) for loss in losses(probed, NOW))


@given(PROBES, st.tuples(st.booleans(), st.booleans()))
def test_task45_is_its_formula(probed: Probes, hanging: tuple[bool, bool]) -> None:
    """The plain words: −50, −10, −5 of memory, −5 of context, −10 for more than ten."""
    memory, context = hanging
    orphans = (
        probes.Orphans("app.talks", "memory", int(memory)),
        probes.Orphans("app.talks", "context", int(context)),
    )
    probed = replace(probed, orphans=orphans)
    expected = 100
    if probed.damaged or probed.last_copies:
        expected -= 50
    if probed.unheeded:
        expected -= 10
    if memory:
        expected -= 5
    if context:
        expected -= 5
    if sum(one.statements for one in probed.slow) > 10:
        expected -= 10
    judged = score(probed, profile_of(HealthSettings("task45")), NOW)
    assert judged.score == expected
    words = "healthy" if expected >= 80 else "warning" if expected >= 60 else "critical"
    assert judged.status == words


@given(st.lists(PROBES, min_size=1, max_size=6))
def test_what_is_held_is_never_better_than_what_is(lives: list[Probes]) -> None:
    steady, profile = Steady(), profile_of(HealthSettings())
    for second, probed in enumerate(lives):
        found = losses(probed, NOW, steady.wrong)
        held = steady.step(found, float(second))
        assert {loss.key for loss in found} <= {loss.key for loss in held}
        assert total(held, profile).score <= total(found, profile).score
