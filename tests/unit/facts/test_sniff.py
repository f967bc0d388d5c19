"""What a file is by its first bytes, whatever it is called; by its name where those are mute."""

import struct

import pytest

from storewarden.facts import signatures
from storewarden.facts import sniff as module
from storewarden.facts.inspectors import INSPECTORS, NOTHING
from storewarden.facts.kinds import KINDS, extensions, kind_of, mime_of
from storewarden.facts.sniff import Sniffed, sniff
from tests.makers import content

JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"


def ftyp(brand: bytes, *others: bytes) -> bytes:
    return struct.pack(">I4s4sI", 16 + 4 * len(others), b"ftyp", brand, 0) + b"".join(others)


def ebml(doctype: bytes) -> bytes:
    return b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82" + bytes((0x80 | len(doctype),)) + doctype


def ogg(packet: bytes) -> bytes:
    return b"OggS\0\2" + bytes(20) + b"\1" + bytes((len(packet),)) + packet


def first(name: bytes, packed: bytes = b"") -> bytes:
    return (
        struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 0, 0, 0, 0, 0, 0, len(name), 0) + name + packed
    )


def pages(brand: bytes) -> bytes:
    return struct.pack(">3sBBB4B", b"ID3", 4, 0, 0, 0, 0, 0, len(brand)) + brand


MP3 = (b"\xff\xfb\x90\x00" + bytes(413)) * 2  # 128 kbit/s, 44,100 Hz
AAC = (b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(9)) * 2


@pytest.mark.parametrize(
    ("head", "name", "mime", "inspector"),
    [
        # whatever it is called
        (JPEG, b"a.png", "image/jpeg", "jpeg"),
        (PNG, b"a.jpg", "image/png", "png"),
        (PNG, b"a.txt", "image/png", "png"),
        (PNG, b"a", "image/png", "png"),
        (b"%PDF-1.7\n", b"a.docx", "application/pdf", "pdf"),
        (b"SQLite format 3\0", b"a.txt", "application/vnd.sqlite3", "sqlite"),
        # what the content leaves open is for the name to tell
        (PNG, b"a.apng", "image/apng", "png"),
        (b"II*\0\x08\0\0\0", b"a.dng", "image/x-adobe-dng", "tiff"),
        (b"II*\0\x08\0\0\0", b"a.png", "image/tiff", "tiff"),
        (b"II*\0\x10\0\0\0CR\2\0", b"a.tif", "image/x-canon-cr2", "tiff"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"a.doc", "application/msword", "none"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"a.x", "application/x-ole-storage", "none"),
        (b"%PDF-1.5\n", b"a.ai", "application/illustrator", "pdf"),
        # brands
        (ftyp(b"isom", b"isom", b"mp41"), b"a.mov", "video/quicktime", "isobmff"),
        (ftyp(b"isom"), b"a.m4a", "audio/mp4", "isobmff"),
        (ftyp(b"isom"), b"a.png", "video/mp4", "isobmff"),
        (ftyp(b"mp42"), b"a", "video/mp4", "isobmff"),
        (ftyp(b"qt  "), b"a.mp4", "video/quicktime", "isobmff"),
        (ftyp(b"M4A "), b"a.mp4", "audio/mp4", "isobmff"),
        (ftyp(b"3gp5"), b"a.mp4", "video/3gpp", "isobmff"),
        (ftyp(b"3g2a"), b"a", "video/3gpp2", "isobmff"),
        (ftyp(b"heic", b"mif1"), b"a.jpg", "image/heic", "heif"),
        (ftyp(b"avif"), b"a.heic", "image/avif", "heif"),
        (ftyp(b"mif1", b"mif1", b"heic"), b"a", "image/heic", "heif"),
        (ftyp(b"mif1", b"miaf", b"avif"), b"a", "image/avif", "heif"),
        (ftyp(b"mif1", b"mif1"), b"a", "image/heif", "heif"),
        (ftyp(b"crx "), b"a", "image/x-canon-cr3", "camera"),
        (b"\0\0\0\x08wide\0\0\x10\0mdat", b"a", "video/quicktime", "isobmff"),
        (b"\0\0\1\0moov\0\0\0\x6cmvhd", b"a.mp4", "video/mp4", "isobmff"),
        # forms
        (b"RIFF\0\0\0\0WAVEfmt ", b"a", "audio/wav", "riff"),
        (b"RF64\xff\xff\xff\xffWAVEds64", b"a", "audio/wav", "riff"),
        (b"RIFF\0\0\0\0AVI LIST", b"a", "video/x-msvideo", "riff"),
        (b"RIFF\0\0\0\0WEBPVP8 ", b"a.png", "image/webp", "webp"),
        (b"FORM\0\0\0\0AIFC", b"a", "audio/aiff", "aiff"),
        # document types
        (ebml(b"webm"), b"a.mkv", "video/webm", "matroska"),
        (ebml(b"matroska"), b"a.webm", "video/x-matroska", "matroska"),
        (ebml(b"matroska"), b"a.mka", "audio/x-matroska", "matroska"),
        # codecs
        (ogg(b"\x01vorbis"), b"a", "audio/ogg", "ogg"),
        (ogg(b"OpusHead"), b"a", "audio/opus", "ogg"),
        (ogg(b"OpusHead"), b"a.ogg", "audio/ogg", "ogg"),
        (ogg(b"\x80theora"), b"a.ogg", "video/ogg", "ogg"),
        (ogg(b"\x7fFLAC"), b"a", "audio/ogg", "ogg"),
        # zips
        (content.docx(), b"a.zip", mime_of(b"a.docx"), "zipped"),
        (first(b"word/document.xml"), b"a", mime_of(b"a.docx"), "zipped"),
        (content.odt("spreadsheet"), b"a", mime_of(b"a.ods"), "zipped"),
        (content.odt("text-template"), b"a", mime_of(b"a.odt"), "zipped"),
        (content.epub(), b"a.zip", "application/epub+zip", "zipped"),
        (content.openraster(), b"a.zip", "image/openraster", "zipped"),
        (first(b"META-INF/MANIFEST.MF"), b"a", "application/java-archive", "zipped"),
        (first(b"META-INF/MANIFEST.MF"), b"a.apk", mime_of(b"a.apk"), "zipped"),
        (first(b"AndroidManifest.xml"), b"a", mime_of(b"a.apk"), "zipped"),
        (first(b"archive/data.pkl"), b"a", "application/x-pytorch", "checkpoint"),
        (first(b"archive/data.pkl"), b"a.ckpt", "application/x-checkpoint", "checkpoint"),
        (first(b"archive/data.pkl"), b"a.zip", "application/x-pytorch", "checkpoint"),
        (first(b"w.npy"), b"a.zip", "application/x-npz", "zipped"),
        (first(b"pages/1.png"), b"a.cbz", "application/vnd.comicbook+zip", "zipped"),
        (first(b"a.txt"), b"a.png", "application/zip", "zipped"),
        # streams
        (b"G" + bytes(187) + b"G" + bytes(187) + b"G" + bytes(9), b"a", "video/mp2t", "mpegts"),
        ((b"\0\0\0\0G" + bytes(187)) * 4, b"a", "video/mp2t", "mpegts"),
        (b"G" + bytes(187), b"a.ts", "video/mp2t", "mpegts"),
        (MP3, b"a", "audio/mpeg", "mpegaudio"),
        (MP3[:40], b"a.mp3", "audio/mpeg", "mpegaudio"),
        (pages(b"\0" * 20) + MP3, b"a", "audio/mpeg", "mpegaudio"),
        (pages(b"\0" * 20) + b"fLaC", b"a.mp3", "audio/flac", "flac"),
        (pages(b"\0" * 20) + AAC, b"a.mp3", "audio/aac", "aac"),
        (AAC, b"a", "audio/aac", "aac"),
        (b"\0\0\1\xba\x44", b"a.vob", "video/dvd", "mpegps"),
        (b"\0\0\1\xba\x44", b"a.sub", "application/x-vobsub", "none"),
        (b"\0\0\0\1\x67\x64", b"a", "video/h264", "none"),
        # models
        (struct.pack("<Q", 60) + b'{"w":', b"a", "application/x-safetensors", "safetensors"),
        (b"GGUF\3\0\0\0", b"a.bin", "application/x-gguf", "gguf"),
        (b"\x80\2}q\0.", b"a.pt", "application/x-pytorch", "checkpoint"),
        (b"\x80\2}q\0.", b"a.bin", "application/x-pickle", "none"),
        (b"\x89HDF\r\n\x1a\n", b"a.keras", "application/x-hdf5", "none"),
        # text is text; which one its name tells
        (b"a,b\n", b"a.csv", "text/csv", "text"),
        (b"hello", b"a.txt", "text/plain", "prose"),
        (b"hello", b"a.md", "text/markdown", "prose"),
        (b"hello", b"a.caption", "text/plain", "prose"),
        (b"hello", b"a.log", "text/x-log", "text"),
        (b"hello", b"a.png", "text/plain", "text"),
        (b"hello", b"README", "text/plain", "text"),
        (b"import a", b"a.ts", "text/plain", "text"),
        ("größer".encode(), b"a", "text/plain", "text"),
        ("größer".encode("cp1252"), b"a.txt", "text/plain", "prose"),
        ("\ufeffgrößer".encode(), b"a.txt", "text/plain", "prose"),
        ("\ufeffgrößer".encode("utf-16-le"), b"a.txt", "text/plain", "prose"),
        ("\ufeffgrößer".encode("utf-16-be"), b"a.txt", "text/plain", "prose"),
        (b"x" * 4094 + "ö".encode()[:1], b"a", "text/plain", "text"),
        (b'{"a": 1}', b"a.json", "application/json", "json"),
        (b'  {\n"a": 1}', b"a", "application/json", "json"),
        (b"{a}", b"a", "text/plain", "text"),
        (b"#!/usr/bin/env python3\n", b"tool", "text/x-python", "text"),
        (b"#!/bin/sh\n", b"tool", "application/x-sh", "text"),
        (b"1\n00:00:01,000 --> ", b"a.srt", "application/x-subrip", "subtitle"),
        # and what says clearly which text it is, is that
        (b"WEBVTT\n", b"a.txt", "text/vtt", "subtitle"),
        (b"\xef\xbb\xbf[Script Info]\n", b"a.txt", "text/x-ssa", "subtitle"),
        (b"<svg xmlns=", b"a.txt", "image/svg+xml", "svg"),
        (b'<?xml version="1.0"?><!-- a --><svg ', b"a", "image/svg+xml", "svg"),
        (b'<?xml version="1.0"?><tt xml:lang="en">', b"a.xml", "application/ttml+xml", "subtitle"),
        (b'<?xml version="1.0"?><a>', b"a", "application/xml", "text"),
        (b"<!DOCTYPE html><svg>", b"a.html", "text/html", "text"),
        # no signature in words
        (b"BMW is a car", b"a.txt", "text/plain", "prose"),
        (b"P1 is the first\n", b"a.txt", "text/plain", "prose"),
        (b"ID3 tags are old", b"a.txt", "text/plain", "prose"),
        (b"MZ", b"a.txt", "text/plain", "prose"),
        (b"RIFF and raff", b"a.txt", "text/plain", "prose"),
        (b"the moov atom", b"a.txt", "text/plain", "prose"),
        # mute
        (b"\x9c\x01\x02", b"a.png", "image/png", "png"),
        (b"\x9c\x01\x02", b"a.tga", "image/x-tga", "tga"),
        (b"\x9c\x01\x02", b"a.txt", "text/plain", "prose"),
        (b"\x9c\x01\x02", b"a", "application/octet-stream", "none"),
        (bytes(4096), b"a.mp4", "video/mp4", "isobmff"),
        # nothing
        (b"", b"a.png", "image/png", "none"),
        (b"", b"a.txt", "text/plain", "none"),
        (b"", b"a", "application/octet-stream", "none"),
    ],
)
def test_a_file_is(head: bytes, name: bytes, mime: str, inspector: str) -> None:
    found = sniff(head[: module.HEAD], name)

    assert (found.mime, found.inspector) == (mime, inspector)


@pytest.mark.parametrize(
    ("head", "name", "kind"),
    [
        (JPEG, b"a.mp4", "image"),
        (ftyp(b"isom"), b"a.m4a", "audio"),
        (b"SQLite format 3\0", b"cookies", "database"),
        (first(b"archive/data.pkl"), b"a.zip", "model"),
        (content.docx(), b"a.zip", "document"),
        (b"hello", b"a.png", "text"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", b"a.eps", "image"),
        (b"%!PS-Adobe-3.0", b"a.ps", "document"),
        (b"#!/usr/bin/env cwl-runner", b"a.cwl", "workflow"),
    ],
)
def test_its_kind_is(head: bytes, name: bytes, kind: str) -> None:
    assert sniff(head, name).kind == kind


def test_kinds_and_types_of_names_are_the_same_here_and_there() -> None:
    for extension, _, _ in extensions():
        name = b"a." + extension
        assert sniff(b"", name) == Sniffed(kind_of(name), mime_of(name), NOTHING)


def test_every_type_has_a_kind_and_one_inspector_at_most() -> None:
    assert {told.kind for told in module._TYPED.values()} <= set(KINDS)
    mimes = " ".join(module._READ_BY.values()).split()
    assert len(mimes) == len(set(mimes))


def test_every_inspector_is_there_and_has_a_type() -> None:
    assert set(module._READ_BY) == INSPECTORS.keys() - {NOTHING}


def test_every_answer_of_every_signature_has_a_kind() -> None:
    heads = [row[0] + bytes(300) for row in signatures._FIRST]
    for head in heads:
        for extension, _, _ in extensions():
            sniff(head, b"a." + extension)
