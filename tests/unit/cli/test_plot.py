"""Numbers over time as blocks of text."""

from hypothesis import given
from hypothesis import strategies as st

from storewarden.cli.plot import picture, spread
from tests.conftest import Golden

LEFT = ["100%", "", "50%", "", "0%"]


def test_a_disk_that_policies_keep_from_filling(golden: Golden) -> None:
    without = [50 + day * 0.5 for day in range(91)]
    kept = [min(value, 71 - value * 0.1) for value in without]
    lines = picture(
        kept,
        otherwise=without,
        top=100,
        left=["100%", "", "", "", "50%", "", "", ""],
        below=["now", "+30d", "+60d", "+90d"],
        columns=80,
    )

    golden("cli/plot.txt", "\n".join(lines) + "\n")


def test_nothing_is_empty_and_a_little_is_seen() -> None:
    lines = picture([0, 0, 0.01, 100], top=100, left=LEFT, below=["now", "later"], columns=26)

    assert [line[6:] for line in lines[:5]] == ["               █████"] * 4 + [
        "          ▁▁▁▁▁█████"
    ]


def test_nothing_to_show_is_an_empty_picture() -> None:
    lines = picture([], top=0, left=LEFT, below=["now"], columns=3)

    assert lines[0] == "100% ┤"
    assert lines[-1].strip() == "now"


def test_labels_that_find_no_room_are_left_out() -> None:
    lines = picture([1], top=2, left=["2"], below=["now", "+1d", "+2d", "+3d"], columns=13)

    assert lines[-1] == "   now    +3d"


@given(
    st.lists(st.floats(0, 1e18), max_size=200),
    st.floats(0, 1e18),
    st.integers(0, 200),
)
def test_every_line_fits(values: list[float], top: float, columns: int) -> None:
    lines = picture(values, top=top, left=LEFT, below=["now", "end"], columns=columns)

    assert len(lines) == len(LEFT) + 2
    assert all(len(line) <= max(columns, 16) for line in lines)


def test_of_several_values_in_one_column_the_highest_is_shown() -> None:
    assert spread([1, 9, 2, 3], 2) == [9, 3]
    assert spread([1, 2], 4) == [1, 1, 2, 2]
