"""What a word is: the one answer for indexing, searching and marking, on every database; pure.

Case, accents and compatibility forms do not count (``Ｃafé`` is ``cafe``). A word is a run of
letters and digits; each Chinese, Japanese or Korean character is a word of its own, since those are
written without spaces. Everything else separates.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

LONGEST = 64  # characters of a word that count

_HANGUL = r"[\u1100-\u115f][\u1160-\u11a7]*[\u11a8-\u11ff]*"  # one syllable, taken apart by NFKD
_ALONE = (
    r"\u1100-\u11ff"  # Hangul, whatever of it is left over
    r"\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c"  # marks that stand for characters
    r"\u3041-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff"  # kana, bopomofo
    r"\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\ud7b0-\ud7ff\uf900-\ufaff"
    r"\U0001aff0-\U0001b16f\U00020000-\U0003ffff"
)
_WORD = re.compile(rf"[^\W_{_ALONE}]+|{_HANGUL}|(?=[^\W_])[{_ALONE}]")
_PLAIN_WORD = re.compile(r"[a-z0-9]+")
_OTHER = re.compile(r"[A-Z]+|[^\x00-\x7f]+")  # what folding may change
_REMEMBERED = 20_000  # characters; a text of all that Unicode has shall not stay in memory


def tokens(text: str) -> list[str]:
    """Return the words of a text, in order."""
    found = (_PLAIN_WORD if text.isascii() else _WORD).findall(folded(text))
    if len(max(found, key=len, default="")) > LONGEST:
        return [word[:LONGEST] for word in found]
    return found


def folded(text: str) -> str:
    """Return the text without case, marks and width; words are cut from this."""
    return text.lower() if text.isascii() else _OTHER.sub(_fold, text)


def placed(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield each word with where it begins and ends in the text as it is written."""
    if text.isascii():
        for match in _PLAIN_WORD.finditer(text.lower()):
            yield match[0][:LONGEST], match.start(), match.end()
        return
    parts = [_FOLDED[character] for character in text]
    # where in the text each character of the folded one comes from
    origin = [at for at, part in enumerate(parts) for _ in part]
    for match in _WORD.finditer("".join(parts)):
        yield match[0][:LONGEST], origin[match.start()], origin[match.end() - 1] + 1


class _Folded(dict[str, str]):
    """What a character becomes: itself without case, marks and width. Filled as they are met."""

    def __missing__(self, character: str) -> str:
        bare = _unmarked(unicodedata.normalize("NFKD", character))
        folded = _unmarked(unicodedata.normalize("NFKD", bare.casefold()))
        if len(self) < _REMEMBERED:
            self[character] = folded
        return folded


def _unmarked(text: str) -> str:
    return "".join(each for each in text if not unicodedata.category(each).startswith("M"))


_FOLDED = _Folded()


def _fold(run: re.Match[str]) -> str:
    return "".join([_FOLDED[character] for character in run[0]])
