"""GGUF: what a language model says of itself before its tensors; the vocabulary is passed over."""

from __future__ import annotations

import struct
from typing import Final

from storewarden.facts.content.told import clean, tell
from storewarden.facts.found import Found
from storewarden.facts.reader import Malformed, Reader, TooMuch

_BLOCK: Final = 256 << 10
_LONGEST_KEY: Final = 65_535
_LONGEST_VALUE: Final = 64 << 10  # longer texts are templates and vocabularies
_MOST_VALUES: Final = 10_000
_MOST_WORDS: Final = 600_000  # of vocabularies: three times what the largest have
_MOST_TENSORS: Final = 100_000
_MOST_DIMENSIONS: Final = 8
_DEEPEST: Final = 4
_LARGEST: Final = 2**48
_STRING, _ARRAY = 8, 9
_SCALARS: Final = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?"} | {
    10: "Q",
    11: "q",
    12: "d",
}

# general.file_type: how most tensors are quantized.
_QUANTIZED_NAMES: Final = (
    "0=F32 1=F16 2=Q4_0 3=Q4_1 7=Q8_0 8=Q5_0 9=Q5_1 10=Q2_K 11=Q3_K_S 12=Q3_K_M 13=Q3_K_L "
    "14=Q4_K_S 15=Q4_K_M 16=Q5_K_S 17=Q5_K_M 18=Q6_K 19=IQ2_XXS 20=IQ2_XS 21=Q2_K_S 22=IQ3_XS "
    "23=IQ3_XXS 24=IQ1_S 25=IQ4_NL 26=IQ3_S 27=IQ3_M 28=IQ2_S 29=IQ2_M 30=IQ4_XS 31=IQ1_M "
    "32=BF16 36=TQ1_0 37=TQ2_0 38=MXFP4"
)
_QUANTIZED: Final = {
    int(number): name
    for number, _, name in (pair.partition("=") for pair in _QUANTIZED_NAMES.split())
}
_FACTS: Final = {
    "general.architecture": "model.architecture",
    "general.name": "title",
    "general.basename": "model.base",
    "general.size_label": "model.size",
    "general.author": "author",
    "general.organization": "author",
    "general.license": "license",
    "general.type": "model.type",
}
# Under the name of the architecture: llama.context_length.
_OF_ARCHITECTURE: Final = {
    "context_length": "model.context_length",
    "block_count": "model.layers",
    "embedding_length": "model.embedding_length",
}

Value = str | int | float | bool | None


def read(reader: Reader, found: Found) -> None:
    """Read keys and values, then the shapes of the tensors."""
    head = reader.at(0, 8)
    if head[:4] != b"GGUF":
        raise Malformed("does not begin like a GGUF model")
    order = "<" if head[4:6] != b"\0\0" else ">"
    (version,) = struct.unpack(order + "I", head[4:])
    if not 1 <= version <= 16:  # noqa: PLR2004  # 3 is the newest; later ones have said so far
        raise Malformed(f"is a GGUF model of the unknown version {version:,}")
    walk = _Walk(reader, found, order, "Q" if version > 1 else "I")
    tensors, values = walk.number(walk.count), walk.number(walk.count)
    tell(found, "model.format", f"gguf {version}")
    if tensors > _MOST_TENSORS or values > _MOST_VALUES:
        raise Malformed(f"promises {tensors:,} tensors and {values:,} values")
    tell(found, "model.tensors", tensors)
    if walk.values(values):
        walk.tensors(tensors)


class _Walk:
    """One pass over the beginning of one file, in blocks."""

    def __init__(self, reader: Reader, found: Found, order: str, count: str) -> None:
        self._reader, self._found = reader, found
        self._order, self.count = order, count
        self._block, self._begin, self._at = b"", 8, 0
        self._words_left = _MOST_WORDS

    def take(self, length: int) -> bytes:
        """Return the next bytes."""
        if self._at + length > len(self._block):
            self._begin += self._at
            self._block = self._reader.some(self._begin, max(length, _BLOCK))
            self._at = 0
            if len(self._block) < length:
                self._reader.at(self._begin, length)  # says where it ends
        found = self._block[self._at : self._at + length]
        self._at += length
        return found

    def skip(self, length: int) -> None:
        """Pass over bytes that must be there."""
        end = self._begin + self._at + length
        if end > self._reader.size:
            raise Malformed(f"promises {length:,} bytes more than there are")
        self._at += length
        if self._at > len(self._block):
            self._block, self._begin, self._at = b"", end, 0

    def number(self, form: str) -> int:
        """Return the next whole number."""
        found: int = struct.unpack(
            self._order + form, self.take(struct.calcsize(self._order + form))
        )[0]
        return found

    def word(self) -> str:
        """Return the next text that names something."""
        length = self.number(self.count)
        if length > _LONGEST_KEY:
            raise Malformed(f"promises a name of {length:,} bytes")
        return self.take(length).decode("utf-8", "replace")

    def values(self, count: int) -> bool:
        """Read all keys and values; False when the rest is not worth its cost."""
        for _ in range(count):
            key = self.word()
            form = self.number("I")
            if form == _ARRAY:
                if not self._pass_array(1):
                    return False
                continue
            self._keep(key, self._value(form))
        return True

    def _value(self, form: int) -> Value:
        if form == _STRING:
            length = self.number(self.count)
            if length > _LONGEST_VALUE:
                self.skip(length)
                return None
            return clean(self.take(length).decode("utf-8", "replace"))
        if form not in _SCALARS:
            raise Malformed(f"holds a value of the unknown type {form:,}")
        layout = self._order + _SCALARS[form]
        found: Value = struct.unpack(layout, self.take(struct.calcsize(layout)))[0]
        return found

    def _pass_array(self, depth: int) -> bool:
        form, count = self.number("I"), self.number(self.count)
        if form in _SCALARS:
            self.skip(count * struct.calcsize("=" + _SCALARS[form]))
            return True
        if form not in (_STRING, _ARRAY) or depth > _DEEPEST:
            raise Malformed(f"holds an array of the unknown type {form:,}")
        self._words_left -= count
        if self._words_left < 0:
            return False
        if form == _STRING:
            self._pass_words(count)
            return True
        return all(self._pass_array(depth + 1) for _ in range(count))

    def _pass_words(self, count: int) -> None:
        """Pass over a vocabulary, which has hundreds of thousands of words."""
        length = struct.Struct(self._order + self.count)
        while count:
            self.take(length.size)  # there is room for one at least
            start = at = self._at - length.size
            block, last = self._block, len(self._block) - length.size
            while count and at <= last:
                at += length.size + length.unpack_from(block, at)[0]
                count -= 1
            self._at = start
            self.skip(at - start)

    def _keep(self, key: str, value: Value) -> None:
        if isinstance(value, str) and key.startswith("general."):
            self._found.text(f"gguf:{clean(key)}", value)
        if key == "general.file_type" and isinstance(value, int):
            tell(self._found, "model.quantization", _QUANTIZED.get(value, f"type {value}"))
        elif key in _FACTS:
            tell(self._found, _FACTS[key], value)
        elif (part := key.rpartition(".")[2]) in _OF_ARCHITECTURE:
            tell(self._found, _OF_ARCHITECTURE[part], value)

    def tensors(self, count: int) -> None:
        """Add up the parameters."""
        parameters = 0
        for _ in range(count):
            self.word()
            dimensions = self.number("I")
            if dimensions > _MOST_DIMENSIONS:
                raise Malformed(f"holds a tensor of {dimensions:,} dimensions")
            size = 1
            for _ in range(dimensions):
                size *= self.number(self.count)
            parameters += size
            self.skip(12)  # its type and where it lies
        if parameters > _LARGEST:
            raise TooMuch(f"promises {parameters:.1e} parameters")
        tell(self._found, "model.parameters", parameters)
