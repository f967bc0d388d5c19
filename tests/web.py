"""Certificates, and web configuration files that name them, for tests."""

from __future__ import annotations

import functools
import os
import ssl
import subprocess
from pathlib import Path

# "geheim", made by `htpasswd -nbBC 4`: as cheap as bcrypt gets.
NAME, PASSWORD = "prometheus", "geheim"


@functools.cache
def hashed() -> str:
    """Return what a web configuration holds of the password."""
    import bcrypt

    return bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()


def certificate(directory: Path, name: str = "server", *, by: str = "") -> tuple[Path, Path]:
    """Make a certificate for 127.0.0.1 and its key, signed by itself or by another one there."""
    cert, key = directory / f"{name}.pem", directory / f"{name}.key"
    signer = ["-CA", f"{directory}/{by}.pem", "-CAkey", f"{directory}/{by}.key"] if by else []
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    words += [
        "-nodes",
        "-days",
        "2",
        "-subj",
        f"/CN={name}",
        "-keyout",
        str(key),
        "-out",
        str(cert),
    ]
    words += ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", *signer]
    subprocess.run(words, check=True, capture_output=True)
    return cert, key


def web_file(directory: Path, *, clients: str = "") -> bytes:
    """Write a web configuration with TLS and one password; return its path."""
    certificate(directory)
    path = directory / "web.yml"
    more = f"  client_auth_type: {clients}\n  client_ca_file: ca.pem\n" if clients else ""
    path.write_text(
        "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
        f"{more}basic_auth_users:\n  {NAME}: {hashed()}\n"
    )
    return os.fsencode(path)


def trusting(directory: Path) -> ssl.SSLContext:
    """Return what believes the certificate of a directory, and no other."""
    return ssl.create_default_context(cafile=directory / "server.pem")
