"""Terms are read strictly, and what is wrong with one is told with what was meant."""

import pytest

from storewarden.catalogue.terms import NAMES, Term, conditions, parse
from storewarden.errors import UsageError
from tests.catalogues import NOW


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("kind=video", Term("kind", "=", "video")),
        ("kind==video", Term("kind", "=", "video")),
        ("size>1GiB", Term("size", ">", "1GiB")),
        ("size >= 1 GiB", Term("size", ">=", "1 GiB")),
        ("name= a ", Term("name", "=", " a ")),
        ("name!=*.png", Term("name", "!=", "*.png")),
        ("name=a=b<c", Term("name", "=", "a=b<c")),
        ("name=\udcff\n", Term("name", "=", "\udcff\n")),
        ("path=a/b/*", Term("path", "=", "a/b/*")),
    ],
)
def test_a_term_is_a_name_a_comparison_and_a_value(text: str, term: Term) -> None:
    assert parse([text]) == (term,)
    assert parse([str(term)]) == (term,)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("video", "is no term; write NAME=VALUE"),
        ("", "is no term"),
        ("=video", "is no term"),
        ("2=3", "is no term"),
        ("kind=", "compares with nothing; write kind=VALUE"),
        ("kin=video", "there is no term 'kin'; did you mean kind?"),
        ("Kind=video", "there is no term 'Kind'; did you mean kind?"),
        ("xyzzy=1", "there is no term 'xyzzy'; there are: kind, root, state"),
    ],
)
def test_what_is_no_term_is_refused(text: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(["kind=video", text])

    assert told in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("size>1", "1 has no unit; write 1B, 1MB, 1GiB"),
        ("size>1G", "ambiguous"),
        ("size>big", "is not a size"),
        ("modified<5m", "ambiguous: minutes or months; write 5min"),
        ("modified=7d", "modified does not go with =; write modified<…"),
        ("modified!=7d", "does not go with !="),
        ("gone<yesterday", "is not a duration"),
        ("kind>video", "kind does not go with >; write kind=… or kind!=…"),
        ("name<a", "does not go with <"),
        ("path>a", "does not go with >"),
        ("ext>=a", "does not go with >="),
        ("digest<ab*", "does not go with <"),
        ("growing>no", "does not go with >"),
        ("growing=maybe", "'maybe' is neither yes nor no; write growing=yes"),
        ("state=mising", "'mising' is no state; did you mean missing?"),
        ("state=present,gone", "'gone' is no state"),
        ("state=any,present", "'any' is no state"),
        ("digest=ab", "is no digest of 64 digits; write digest=ab12*"),
        ("digest=*", "is no digest"),
        ("digest=xyz*", "is no digest"),
        (f"digest={'a' * 65}", "is no digest"),
        ("links>many", "'many' is no number"),
        ("inode=1.5", "'1.5' is no number"),
        ("uid=99999999999999999999", "is beyond 64 bits"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(text: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        conditions(parse([text]), "sqlite", NOW)

    assert told in str(caught.value)
    assert caught.value.where == text


def test_a_term_of_bytes_that_are_no_text_can_be_shown() -> None:
    with pytest.raises(UsageError) as caught:
        parse(["na\udcff=1"])

    assert caught.value.where == "na\\udcff=1"
    str(caught.value).encode()


@pytest.mark.parametrize("name", NAMES)
def test_every_term_is_either_understood_or_refused_with_a_reason(name: str) -> None:
    understood = 0
    for value in ("video", "1GiB", "7d", "yes", "1", "ab*", "present", "*.png", "read"):
        for compare in ("=", "!=", "<", "<=", ">", ">="):
            for dialect in ("sqlite", "postgresql"):
                try:
                    conditions(parse([f"{name}{compare}{value}"]), dialect, NOW)
                    understood += 1
                except UsageError as error:
                    assert error.why  # noqa: PT017
    assert understood


def test_gone_files_are_left_out_unless_the_state_is_asked_for() -> None:
    assert len(conditions((), "sqlite", NOW)) == 1
    assert len(conditions(parse(["kind=video"]), "sqlite", NOW)) == 2
    assert len(conditions(parse(["state=missing"]), "sqlite", NOW)) == 1
    assert conditions(parse(["state=any"]), "sqlite", NOW) == []


def test_an_age_older_than_time_is_the_beginning_of_time() -> None:
    assert len(conditions(parse(["modified>200y"]), "sqlite", -(2**63) + 1)) == 2
