"""Databases as two applications leave them, with what goes wrong in life."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.sqlites import rest

WORKFLOWS = """
CREATE TABLE users (id INTEGER PRIMARY KEY, username TEXT, password_hash TEXT, storage_quota INT);
CREATE TABLE workflows (id TEXT PRIMARY KEY, user_id INT, title TEXT, status TEXT,
    current_phase TEXT, original_prompt TEXT, enhanced_story TEXT, style TEXT, phases TEXT,
    created_at TEXT, completed_at TEXT, is_public INT);
CREATE TABLE scenes (id INTEGER PRIMARY KEY, workflow_id TEXT, scene_number INT,
    description TEXT, prompt TEXT, image_path TEXT);
CREATE TABLE generated_files (id INTEGER PRIMARY KEY, workflow_id TEXT, file_type TEXT,
    file_path TEXT, file_name TEXT, file_size INT, metadata TEXT, created_at TEXT);
CREATE TABLE api_usage (id INTEGER PRIMARY KEY, workflow_id TEXT, user_id INT, provider TEXT,
    model TEXT, calls INT, tokens_in INT, tokens_out INT, cost REAL, duration REAL,
    error TEXT, created_at TEXT);
CREATE TABLE sessions (id TEXT, secret TEXT);
"""
VIDEOS = """
CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, token TEXT);
CREATE TABLE videos (id INTEGER PRIMARY KEY, user_id INT, filename TEXT, file_path TEXT,
    file_size INT, duration REAL, codec TEXT, transcript TEXT, summary TEXT, language TEXT,
    is_public INT, uploaded_at REAL);
CREATE TABLE chat_history (id INTEGER PRIMARY KEY, video_id INT, question TEXT, answer TEXT,
    timestamp REAL);
"""


def workflow_app(path: Path, files: Path) -> Path:
    """Make the workflow application's database; its files lie in a directory."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(WORKFLOWS)
        connection.executemany(
            "INSERT INTO users VALUES (?, ?, ?, ?)",
            [(1, "ann", "$2b$12$abc", 10**9), (2, "bob the builder", "x", None)],
        )
        phases = json.dumps({"script": "completed", "images": {"status": "in_progress"}})
        connection.executemany(
            "INSERT INTO workflows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    *("fox", 1, "The fox", "completed", "video", "a fox", "Once …", "ink", phases),
                    *("2026-01-02 10:00:00", "2026-01-02T11:30:00+01:00", 1),
                ),
                (
                    *("owl", None, "An owl", "exploded", None, "an owl", None, None, None),
                    *("2026-01-03 10:00:00", None, 0),
                ),
            ],
        )
        connection.executemany(
            "INSERT INTO scenes VALUES (?, ?, ?, ?, ?, ?)",
            [
                (1, "fox", 1, "It wakes", "a fox wakes", str(files / "scene_1.png")),
                (2, "fox", 2, "It runs", "a fox runs", "/elsewhere/scene_2.png"),
            ],
        )
        connection.executemany(
            "INSERT INTO generated_files VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    *(1, "fox", "video", str(files / "fox.mp4"), "fox.mp4", 5),
                    *('{"style": "ink"}', "2026-01-02 11:00:00"),
                ),
                (2, "fox", "image", f"{files.name}/scene_1.png", "scene_1.png", 9, None, None),
                (3, "fox", "image", str(files / "lost.png"), "lost.png", 7, "{", None),
                (4, "fox", "image", str(files / "gone.png"), "gone.png", 7, "", None),
                (5, "owl", "image", "https://cdn/x.png", "x.png", 7, None, None),
                (6, "owl", "image", None, "no.png", 7, None, None),
            ],
        )
        connection.executemany(
            "INSERT INTO api_usage VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    *(1, "fox", 1, "openai", "gpt-4o", 1, 120, 800, 0.0125, 3.5),
                    *(None, "2026-01-02 10:05:00"),
                ),
                (
                    *(2, "fox", 2, "replicate", "sdxl", 2, None, None, "free", 8.0),
                    *(None, "2026-01-02 10:06:00"),
                ),
                (3, "fox", 2, "replicate", "sdxl", 2, None, None, 0.1, 8.0, "full", 1767348400),
            ],
        )
        connection.execute("INSERT INTO sessions VALUES ('a', 'b')")
    rest(path)
    return path


def video_analyzer(path: Path) -> Path:
    """Make the video analyzer's database; its files are named as below its own directory."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(VIDEOS)
        connection.execute("INSERT INTO users VALUES (7, 'eve', 'secret-token')")
        connection.executemany(
            "INSERT INTO videos VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    *(1, 7, "cat.mp4", "uploads/cat.mp4", 3, 12.5, "h264"),
                    *("The cat says meow.", "A cat.", "en", 1, 1767348400.25),
                ),
                (
                    *(2, 7, "dog.mp4", "/uploads/dog.mp4", 4, 3.0, "h264"),
                    *(None, "", None, 0, 1767348500.0),
                ),
            ],
        )
        connection.executemany(
            "INSERT INTO chat_history VALUES (?, ?, ?, ?, ?)",
            [
                (1, 1, "Who speaks?", "A cat.", 1767348600.0),
                (2, 2, "And here?", "A dog.", 1767348700.0),
                (3, 9, "Of what?", "Nobody knows.", 1767348800.0),
            ],
        )
    rest(path)
    return path
