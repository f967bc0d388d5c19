"""Where a daemon is found."""

from pathlib import Path

import pytest

from storewarden.client.address import Address, address_of
from storewarden.client.warden import TOKEN_VARIABLE, Warden
from storewarden.config import environment
from storewarden.errors import ConfigError, UsageError


@pytest.mark.parametrize(
    ("text", "address", "shown"),
    [
        ("unix:/run/api.sock", Address("/run/api.sock"), "unix:/run/api.sock"),
        ("unix:///run/api.sock", Address("/run/api.sock"), "unix:/run/api.sock"),
        ("http://localhost:9747", Address("", "localhost", 9747), "http://localhost:9747"),
        ("https://media", Address("", "media", 443, tls=True), "https://media:443"),
        ("http://[::1]:9747/", Address("", "::1", 9747), "http://[::1]:9747"),
        ("http://a:1/api/v1", Address("", "a", 1), "http://a:1"),
        ("http://a:1/sw", Address("", "a", 1, base="/sw/api/v1"), "http://a:1"),
    ],
)
def test_addresses(text: str, address: Address, shown: str) -> None:
    assert address_of(text) == address
    assert address_of(text).shown == shown


@pytest.mark.parametrize(
    "text", ["", "api.sock", "unix:api.sock", "ftp://a", "http://", "http://a:x", "http://a/?q=1"]
)
def test_what_is_no_address_is_refused_with_what_one_is(text: str) -> None:
    with pytest.raises(UsageError, match=r"write unix:/path/to/api\.sock"):
        address_of(text)


def test_a_password_in_an_address_is_refused_and_not_shown() -> None:
    with pytest.raises(UsageError, match="holds no password") as raised:
        address_of("http://me:secret@media:9747")

    assert "secret" not in str(raised.value)


def test_one_way_is_named_and_no_two() -> None:
    with pytest.raises(UsageError, match="two ways"):
        Warden("unix:/run/api.sock", config="storewarden.yaml")
    with pytest.raises(UsageError, match="opened directly"):
        Warden("unix:/run/api.sock", catalogue="sqlite:///x")
    with pytest.raises(UsageError, match="are two"):
        Warden("unix:/run/api.sock", token="a", token_file="b")


def test_the_socket_is_the_one_of_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STOREWARDEN_STATE", f"{tmp_path}/state")
    assert repr(Warden()) == f"Warden(unix:{tmp_path}/state/api.sock)"

    monkeypatch.setenv("STOREWARDEN_API_SOCKET", "/run/elsewhere.sock")
    assert repr(Warden()) == "Warden(unix:/run/elsewhere.sock)"

    monkeypatch.setenv("STOREWARDEN_API_SOCKET", "none")
    with pytest.raises(UsageError, match="no socket for applications"):
        Warden()


def test_a_configuration_that_cannot_be_used_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOREWARDEN_STATT", "x")

    with pytest.raises(ConfigError, match="did you mean STOREWARDEN_STATE"):
        Warden()


def test_the_token_of_the_environment_is_no_key_of_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STOREWARDEN_TOKEN", "sw_abcdefgh2345_secret")

    assert "secret" not in repr(Warden())
    assert environment.TOKEN_VARIABLE == TOKEN_VARIABLE
