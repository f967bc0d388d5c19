"""Watches are counted, over all roots, against a share of what the kernel grants."""

from pathlib import Path

from storewarden.watch.budget import Limit, WatchBudget, read_limit


def test_only_a_share_is_taken() -> None:
    budget = WatchBudget(share=0.75, limit=lambda: Limit(8))

    assert [budget.take() for _ in range(8)] == [True] * 6 + [False] * 2
    assert (budget.used, budget.allowed) == (6, 6)
    budget.give(2)
    assert budget.take()
    assert budget.used == 5


def test_a_raised_limit_is_noticed_when_it_is_needed() -> None:
    limit = [Limit(1)]
    budget = WatchBudget(share=1.0, limit=lambda: limit[0])
    assert [budget.take(), budget.take()] == [True, False]
    limit[0] = Limit(2)

    assert budget.take()


def test_a_lowered_limit_is_noticed_too() -> None:
    limit = [Limit(100_000)]
    budget = WatchBudget(share=1.0, limit=lambda: limit[0])
    limit[0] = Limit(5)

    assert sum(budget.take() for _ in range(5000)) < 1001


def test_the_remedy_names_the_setting_that_binds() -> None:
    assert WatchBudget(limit=lambda: Limit(100_000)).remedy() == (
        "sudo sysctl -w fs.inotify.max_user_watches=262144"
    )
    assert WatchBudget(limit=lambda: Limit(10, "user.max_inotify_watches")).remedy() == (
        "sudo sysctl -w user.max_inotify_watches=65536"
    )


def test_the_lower_limit_binds(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("100\n")
    (tmp_path / "two").write_text("50\n")
    (tmp_path / "bad").write_text("many\n")
    settings = tuple((name, str(tmp_path / name)) for name in ("none", "one", "two", "bad"))

    assert read_limit(settings) == Limit(50, "two")
    assert read_limit(settings[:1]).watches > 10**9
    assert read_limit().watches > 0
