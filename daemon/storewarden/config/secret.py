"""Nothing secret is ever shown: passwords in addresses are struck out before people see them."""

from __future__ import annotations

import re

# Greedy up to the last "@": a password that holds an unescaped "@" or "/" is struck out whole.
_IN_ADDRESS = re.compile(r"(://[^:/?#@]*):[^\s]*@")
_IN_OPTION = re.compile(r"(?i)\b((?:ssl)?password|passwd|secret|token)(\s*=\s*)('[^']*'|[^&\s]+)")


def redacted(text: str) -> str:
    """Return ``text`` with every password in it replaced by ``***``."""
    return _IN_OPTION.sub(r"\1\2***", _IN_ADDRESS.sub(r"\1:***@", text))
