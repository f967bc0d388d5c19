"""The ground the other tests stand on: real servers, golden files, skips that name a remedy."""

import psycopg
import pytest

from tests.missing import missing, program


@pytest.mark.parametrize("attempt", [1, 2])
def test_every_test_has_a_database_of_its_own(postgres_database: str, attempt: int) -> None:
    with psycopg.connect(postgres_database) as connection:
        connection.execute("CREATE TABLE seen (attempt integer)")

        assert connection.execute("SELECT count(*) FROM seen").fetchone() == (0,)


def test_the_database_keeps_names_in_unicode(postgres_database: str) -> None:
    with psycopg.connect(postgres_database) as connection:
        assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)


def test_what_is_missing_is_skipped_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)

    with pytest.raises(pytest.skip.Exception, match="strace is missing: apt install strace"):
        missing("strace", "apt install strace")


def test_what_is_missing_fails_where_nothing_may_be_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CI", "true")

    with pytest.raises(pytest.fail.Exception, match="apt install strace"):
        missing("strace", "apt install strace")


def test_promtool_is_here() -> None:
    assert program("promtool", "prometheus")
