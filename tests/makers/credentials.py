"""Files with Content Credentials, signed by an authority that we make for the occasion."""

import functools
import io
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tests.makers.images import picture, written

ISSUER = "Lighthouse Pictures"
_SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
_LEAF = """\
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=emailProtection
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
"""
_COMMANDS = """
ecparam -name prime256v1 -genkey -noout -out ca.key
req -new -x509 -key ca.key -days 3650 -subj /C=GB/O=Authority/CN=Root -out ca.pem \
-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
ecparam -name prime256v1 -genkey -noout -out leaf.ec
pkcs8 -topk8 -nocrypt -in leaf.ec -out leaf.key
req -new -key leaf.key -out leaf.csr -subj /C=GB/O=ISSUER/CN=Signer
x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 \
-extfile leaf.ext -out leaf.pem
"""


def signed(form: str = "PNG", generator: str = "ChatGPT", remote: str = "") -> bytes:
    """Return a picture whose making is claimed and signed; ``remote`` is where the claim lies."""
    import c2pa

    mime = f"image/{form.lower()}"
    claim: dict[str, Any] = {
        "claim_generator_info": [{"name": generator, "version": "1.0"}],
        "format": mime,
        "title": "dusk",
        "assertions": [
            {
                "label": "c2pa.actions",
                "data": {
                    "actions": [
                        {
                            "action": "c2pa.created",
                            "softwareAgent": {"name": "GPT-4o"},
                            "digitalSourceType": _SOURCE,
                        }
                    ]
                },
            }
        ],
    }
    chain, key = _authority()
    info = c2pa.C2paSignerInfo(c2pa.C2paSigningAlg.ES256, chain, key, None)
    signer = c2pa.Signer.from_info(info)
    out = io.BytesIO()
    with c2pa.Builder(claim) as builder:
        if remote:
            builder.set_no_embed()
            builder.set_remote_url(remote)
        builder.sign(signer, mime, io.BytesIO(written(picture(), form)), out)
    return out.getvalue()


@functools.cache
def _authority() -> tuple[bytes, bytes]:
    """Return the certificates of a signer and of its authority, and the signer's key."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        (place / "leaf.ext").write_text(_LEAF)
        for command in _COMMANDS.strip().splitlines():
            words = [word.replace("ISSUER", ISSUER) for word in command.split()]
            subprocess.run(("openssl", *words), cwd=place, check=True, capture_output=True)
        chain = (place / "leaf.pem").read_bytes() + (place / "ca.pem").read_bytes()
        return chain, (place / "leaf.key").read_bytes()
