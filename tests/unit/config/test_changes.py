"""What a reload is told to do, and what it must leave for the next start."""

from pathlib import Path

from storewarden.config.changes import Difference, changed
from storewarden.config.schema import RootSettings
from tests.unit.config.asking import settings

OLD = """
    state: /s
    roots: {kept: /kept, gone: /gone, tuned: {path: /tuned, exclude: [a]}}
    """


def test_nothing_differs_from_itself_wherever_it_was_read(tmp_path: Path) -> None:
    one = settings(tmp_path, OLD)
    other = settings(tmp_path, OLD, {"STOREWARDEN_STATE": "/s"})

    assert one.source != other.source
    assert changed(one, other) == ()


def test_roots_come_go_and_change_while_the_daemon_runs(tmp_path: Path) -> None:
    old = settings(tmp_path, OLD)
    new = settings(
        tmp_path,
        """
        state: /s
        roots: {kept: /kept, tuned: {path: /t2, exclude: [a, b], digest: false}, come: /come}
        log: {level: debug}
        """,
    )

    differences = changed(old, new)

    assert [str(each) for each in differences] == [
        "log.level: info -> debug",
        "roots.gone: removed",
        "roots.tuned.path: /tuned -> /t2",
        "roots.tuned.exclude: [a] -> [a, b]",
        "roots.tuned.digest: true -> false",
        "roots.come: added (/come)",
    ]
    assert {each.live for each in differences} == {True}


def test_the_house_itself_needs_a_new_start(tmp_path: Path) -> None:
    old = settings(tmp_path, OLD)
    new = settings(
        tmp_path,
        """
        state: /s2
        catalogue: postgresql://me:hunter2@db/x
        watch_share: 50%
        roots: {kept: /kept, gone: /gone, tuned: {path: /tuned, exclude: [a]}}
        http: {listen: none}
        log: {format: json}
        """,
    )

    assert changed(old, new) == (
        Difference("state", "/s", "/s2", live=False),
        Difference("catalogue", "sqlite", "postgresql://me:***@db/x", live=False),
        Difference("watch_share", "75%", "50%", live=False),
        Difference("http.listen", "127.0.0.1:9747", "none", live=False),
        Difference("log.format", "auto", "json", live=False),
    )


def test_what_applications_may_changes_while_the_daemon_runs_and_the_socket_does_not(
    tmp_path: Path,
) -> None:
    api = "{socket: /x.sock, socket_without_token: none, loopback_without_token: read}"
    new = settings(tmp_path, f"{OLD.rstrip()}\n    api: {api}\n")

    assert changed(settings(tmp_path, OLD), new) == (
        Difference("api.socket", "api.sock in the state directory", "/x.sock", live=False),
        Difference("api.socket_without_token", "write", "none", live=True),
        Difference("api.loopback_without_token", "none", "read", live=True),
    )


def test_points_for_health_change_while_the_daemon_runs(tmp_path: Path) -> None:
    text = "state: /s\nroots: {a: /a}\n"
    old = settings(tmp_path, f"{text}health: {{blind: 40, drill: 0}}\n")
    new = settings(tmp_path, f"{text}health: {{profile: task45, blind: 50}}\n")

    differences = changed(old, new)

    assert [str(each) for each in differences] == [
        "health.profile: default -> task45",
        "health.blind: 40 -> 50",
        "health.drill: 0 -> by the profile",
    ]
    assert {each.live for each in differences} == {True}
    assert new.health.given("blind") == 50
    assert new.health.given("drill") is None


def test_another_password_is_a_difference_that_is_not_shown(tmp_path: Path) -> None:
    text = "state: /s\nroots: {a: /a}\ncatalogue: postgresql://me:{}@db/x\n"
    old = settings(tmp_path, text.replace("{}", "hunter1"))
    new = settings(tmp_path, text.replace("{}", "hunter2"))

    (difference,) = changed(old, new)

    shown = "catalogue: postgresql://me:***@db/x -> postgresql://me:***@db/x (another password)"
    assert str(difference) == shown


def test_who_makes_a_root_is_no_difference(tmp_path: Path) -> None:
    old = settings(tmp_path)
    text = (
        "state: ~/.local/state/storewarden\nroots: {save_outputs: ./save_outputs, uploads: uploads}"
    )
    new = settings(tmp_path, text)

    assert [type(root) for root in new.roots] == [RootSettings, RootSettings]
    assert changed(old, new) == ()
