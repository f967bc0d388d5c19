"""A person says that the wall clock is right."""

from storewarden.catalogue import clocks, roots
from storewarden.catalogue.engine import Engine
from tests.unit.cli.conftest import NOW, Run

HOUR = 3600 * 10**9


def noted(engine: Engine, jumped_ns: int | None) -> int:
    host = roots.host_id(engine, roots.this_machine())
    assert host is not None
    with engine.transaction():
        clocks.note(engine, host, clocks.Clocks(NOW, 1, "boot", jumped_ns, jumped_ns and NOW))
    return host


def test_a_jump_is_accepted_once(catalogue: Engine, run: Run) -> None:
    host = noted(catalogue, 2 * HOUR)
    ran = run("policy", "accept-clock", terminal=True)

    assert ran.code == 0
    assert ran.out == "The clock is taken for right: it had jumped 2h forward\n"
    after = clocks.read(catalogue, host)
    assert after is not None
    assert after.jumped_ns is None
    assert "did not jump" in run("policy", "accept-clock").out


def test_for_programs(catalogue: Engine, run: Run) -> None:
    noted(catalogue, -HOUR)

    assert run("policy", "accept-clock", "--json").json == {"accepted": True, "jumped_ns": -HOUR}
    assert run("policy", "accept-clock", "--json").json == {"accepted": False, "jumped_ns": None}
