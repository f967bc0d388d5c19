"""Users on the command line, as people, pipes and programs see them."""

import os
import re
import stat
from pathlib import Path

import pytest

from storewarden.api.known import Known
from storewarden.api.who import Who
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.told import holdings
from storewarden.catalogue.told import users as kept
from storewarden.clock import SystemClock
from storewarden.errors import NotKnown
from tests.conftest import Golden
from tests.telling import own
from tests.unit.cli.conftest import Run

TOKEN = re.compile(r"sw_([a-z2-7]{12})_[A-Za-z0-9_-]{43}")


@pytest.fixture
def people(here: Path, catalogue: Engine, run: Run) -> Run:
    """Two users: one has too much, the other no token."""
    (here / "storewarden.yaml").write_text("roots: {save_outputs: ./save_outputs}\n")
    for words in (("ada", "--bytes", "2KiB", "--files", "100"), ("bob",)):
        assert run("user", "add", *words).code == 0
    ada = kept.named(catalogue, "ada")
    assert ada is not None
    told = [own(catalogue, b"cat.png", Who(ada.id), 1), own(catalogue, b"new.png", Who(ada.id))]
    holdings.count(catalogue, told)
    return run


def masked(text: str, here: Path) -> str:
    """Leave out what is another each time."""
    text = TOKEN.sub("sw_<id>_<secret>", text).replace(str(here), "/here")
    return re.sub(r"20[0-9-]{8}T[0-9:]{8}Z", "2026-11-21T20:00:00Z", text)


def shown(run: Run, here: Path, *words: str) -> str:
    told = []
    for form in ("programs", "json", "people"):
        ran = run(*words, *(["--json"] if form == "json" else []), terminal=form == "people")
        told.append(f"$ storewarden {' '.join(words)}   # {form}: {ran.code}\n{ran.out}{ran.err}")
    return masked("\n".join(told), here)


def secret(run: Run, *words: str) -> str:
    ran = run("user", "token", *words)
    assert ran.code == 0, ran.err
    assert TOKEN.fullmatch(ran.out.strip())
    return ran.out.strip()


def test_a_user_is_added_and_told_what_comes_next(here: Path, catalogue: Engine, run: Run) -> None:
    (here / "storewarden.yaml").write_text("roots: {save_outputs: ./save_outputs}\n")
    ran = run("user", "add", "ada", "--bytes", "1GiB", terminal=True)
    assert ran.out == "added ada: any number of files, 1.0 GiB\n  → storewarden user token ada\n"
    assert run("user", "add", "ada").code == 2


def test_the_list_shows_who_is_over(people: Run, here: Path, golden: Golden) -> None:
    golden("cli/user-list.txt", shown(people, here, "user", "list"))


def test_without_users_it_says_how_to_make_one(here: Path, catalogue: Engine, run: Run) -> None:
    (here / "storewarden.yaml").write_text("roots: {save_outputs: ./save_outputs}\n")
    ran = run("user", "list", terminal=True)
    assert (ran.code, ran.out) == (0, "no users: storewarden user add NAME\n")
    assert run("user", "list", "--json").json == {"users": []}


def test_a_user_is_shown_with_its_tokens_and_none_of_their_secrets(
    people: Run, here: Path, golden: Golden
) -> None:
    secrets = [
        secret(people, "ada", "--label", "storyboard"),
        secret(people, "ada", "--scope", "read", "--expires", "never"),
        secret(people, "ada", "--scope", "admin", "--label", "old one"),
    ]
    assert people("user", "revoke", "ada", "old one").code == 0
    told = shown(people, here, "user", "show", "ada")
    for at, one in enumerate(secrets):
        told = told.replace(one.split("_")[1], f"aaaaaaaaaaa{at}")
    assert not [one for one in secrets if one.split("_", 2)[2] in told]
    golden("cli/user-show.txt", told)


def test_a_token_is_shown_once_and_makes_its_user_known(people: Run, catalogue: Engine) -> None:
    text = secret(people, "bob", "--scope", "read")
    assert Known(catalogue, SystemClock()).who(text).name == "bob"
    as_json = people("user", "token", "bob", "--json", "--label", "app").json
    assert TOKEN.fullmatch(as_json["token"])
    assert (as_json["user"], as_json["label"], as_json["scopes"]) == (
        *("bob", "app"),
        ["read", "write"],
    )
    ran = people("user", "token", "bob", terminal=True)
    assert TOKEN.fullmatch(ran.out.strip())
    assert ran.err.startswith("It is shown this once; scope read,write, until 20")


def test_a_token_is_written_to_a_new_file_of_its_owners(
    people: Run, here: Path, catalogue: Engine
) -> None:
    ran = people("user", "token", "bob", "--to", "token")
    assert not TOKEN.search(ran.out + ran.err)
    assert stat.S_IMODE(os.stat(here / "token").st_mode) == 0o600
    text = (here / "token").read_text()
    assert Known(catalogue, SystemClock()).who(text).name == "bob"

    again = people("user", "token", "bob", "--to", "token")
    assert (again.code, again.out) == (1, "")
    assert again.err == (
        "storewarden: the token cannot be written, so none was made: token: File exists;"
        " name a file that is not there yet\n"
    )
    assert (here / "token").read_text() == text
    assert len(people("user", "show", "bob", "--json").json["tokens"]) == 1


def test_a_file_for_a_token_that_was_not_made_is_not_left(people: Run, here: Path) -> None:
    assert people("user", "token", "nobody", "--to", "token").code == 1
    assert not (here / "token").exists()


def test_tokens_are_revoked(people: Run, catalogue: Engine) -> None:
    texts = [secret(people, "bob", "--label", label) for label in ("a", "b", "c")]
    public = [text.split("_")[1] for text in texts]
    assert people("user", "revoke", "bob", "a").out == f"revoked\t{public[0]}\n"
    assert people("user", "revoke", "bob", public[1], "--json").json == {
        "action": "revoked",
        "user": "bob",
        "tokens": [public[1]],
    }
    assert people("user", "revoke", "bob", "--all", terminal=True).out == "1 token of bob revoked\n"
    for text in texts:
        with pytest.raises(NotKnown):
            Known(catalogue, SystemClock()).who(text)


def test_a_quota_is_changed_in_what_is_said(people: Run) -> None:
    changed = people("user", "quota", "ada", "--bytes", "50GB", "--json").json["user"]
    assert (changed["quota_bytes"], changed["quota_files"]) == (50 * 10**9, 100)
    changed = people("user", "quota", "ada", "--files", "none", "--json").json["user"]
    assert (changed["quota_bytes"], changed["quota_files"]) == (50 * 10**9, None)
    ran = people("user", "quota", "ada", "--files", "1", terminal=True)
    assert ran.out == (
        "changed ada: 1 file, 46.6 GiB\n  ada has 2 files of 1: nothing more is taken in for it\n"
    )


def test_a_user_is_disabled_and_enabled_again(people: Run, catalogue: Engine) -> None:
    text = secret(people, "bob")
    assert people("user", "disable", "bob").out.split("\t")[-1] == "disabled\n"
    with pytest.raises(NotKnown):
        Known(catalogue, SystemClock()).who(text)
    assert people("user", "disable", "bob", "--again").out.split("\t")[-1] == "ok\n"
    assert Known(catalogue, SystemClock()).who(text).name == "bob"


def test_each_mistake_is_told_in_one_line(people: Run, here: Path, golden: Golden) -> None:
    lines = []
    for words in (
        ("add", "two words"),
        ("add", "other"),
        ("add", "ada"),
        ("add", "eve", "--bytes", "much"),
        ("add", "eve", "--files", "many"),
        ("show", "eve"),
        ("token", "eve"),
        ("token", "ada", "--scope", "reed"),
        ("token", "ada", "--expires", "soon"),
        ("token", "ada", "--label", "two\nlines"),
        ("revoke", "ada"),
        ("revoke", "ada", "x", "--all"),
        ("revoke", "ada", "nothing"),
        ("quota", "ada"),
        ("disable", "eve"),
    ):
        ran = people("user", *words)
        assert ran.out == ""
        lines.append(f"$ storewarden user {' '.join(words)!r}: {ran.code}\n{ran.err}")
    golden("cli/user-mistakes.txt", masked("\n".join(lines), here))


def test_status_shows_who_is_over(people: Run, here: Path) -> None:
    assert people("status", "--json").json["users"]["known"] == 2
    (over,) = people("status", "--json").json["users"]["over"]
    assert (over["name"], over["bytes"], over["quota_bytes"]) == ("ada", 1499990, 2048)
    lines = people("status").out.splitlines()
    assert "users\t2\t1" in lines
    assert "over-quota\tada\t2\t1499990\t100\t2048" in lines
    told = people("status", terminal=True).out
    assert (
        "users  2, 1 over quota\n"
        "  ada has 1.4 MiB of 2.0 KiB: nothing more is taken in for it\n"
        "  → storewarden user show ada\n"
    ) in told
