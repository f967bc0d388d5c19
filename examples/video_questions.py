"""Questions about videos: an upload is transcribed, summarised, asked about, and found again.

    python examples/video_questions.py --into uploads --token-file ann.token

The "models" here are a few lines that read captions; where yours are called, the calls are recorded
the same way. Needs ffmpeg, and a daemon that watches the directory. With a token all of it is that
user's: what is private is seen by nobody else.
"""

import argparse
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

from storewarden.client import Warden
from storewarden.client.errors import NotThere

CAPTIONS = (
    "Welcome to the workshop on grafting apple trees.",
    "We cut the scion in late winter, while it is dormant.",
    "Then we bind it to the rootstock with tape and seal it with wax.",
    "After six weeks the first buds should open.",
)


def upload(path: Path, seconds: int = 2) -> Path:
    """Put a real video into the directory, as a browser's upload would: whole, under its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".part")
    picture = ("-f", "lavfi", "-i", f"testsrc=d={seconds}:s=320x180:r=24")
    sound = ("-f", "lavfi", "-i", f"sine=d={seconds}")
    coded = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", "-f", "mp4")
    ffmpeg = ("ffmpeg", "-v", "error", "-y", *picture, *sound, *coded)
    subprocess.run([*ffmpeg, str(half)], check=True, stdin=subprocess.DEVNULL)
    return half.rename(path)


def transcribe(warden: Warden, path: Path) -> list[str]:
    """Ask a speech model for the words of a video, and keep them with it."""
    with warden.record_api_usage.timed("whisper", "large-v3", "transcribe", path=path) as call:
        lines = list(CAPTIONS)
        call.cost = "0.006"
    warden.add_transcript(path, "\n".join(lines), language="en", duration=1.5, model="large-v3")
    return lines


def summarise(warden: Warden, path: Path, lines: list[str]) -> str:
    """Ask a language model for a summary, and keep it with the video."""
    with warden.record_api_usage.timed("openai", "gpt-4o-mini", "summary", path=path) as call:
        summary = f"A workshop: {lines[0]} {lines[-1]}"
        call.tokens_in, call.tokens_out, call.cost = 80, 25, "0.000027"
    warden.add_summary(path, summary, language="en", model="gpt-4o-mini")
    return summary


def seen(warden: Warden, path: Path, patience: float = 30.0) -> int:
    """Wait until the daemon has recorded a file, which has to rest for that; return its size."""
    until = time.monotonic() + patience
    while True:
        try:
            return warden.file(path).size
        except NotThere:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def answer(lines: list[str], question: str) -> str:
    """Return the line that has most words of a question: a model in one line."""
    asked = {word.strip("?.,").lower() for word in question.split()}
    return max(lines, key=lambda line: len(asked & set(line.lower().strip(".").split())))


def ask(warden: Warden, path: Path, question: str) -> str:
    """Answer a question from the transcript that is kept, and keep both."""
    transcript = next(text for text in warden.texts(path) if text.role == "transcript")
    begun = datetime.now(UTC)
    told = answer(transcript.text.splitlines(), question)
    took = datetime.now(UTC) - begun
    warden.add_chat(path, question, told, at=begun, duration=took, model="gpt-4o-mini")
    return told


def main() -> None:
    """Upload a video, work on it, talk about it, and find it again by its words."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--into", type=Path, default=Path("uploads"))
    parser.add_argument("--name", default="grafting.mp4")
    parser.add_argument("--address", help="of the daemon, else the socket of the configuration")
    parser.add_argument("--token-file", help="whose video it is; without one, the machine's")
    parser.add_argument("--public", action="store_true", help="let other users see it too")
    given = parser.parse_args()
    with Warden(given.address, token_file=given.token_file) as warden:
        path = upload(given.into.resolve() / given.name)
        warden.add_generated_file(path, file_type="upload", title="Workshop", public=given.public)
        summarise(warden, path, transcribe(warden, path))
        # All of that was told before the daemon has seen the file; now it is one row.
        print(f"{given.name}: {seen(warden, path):,} bytes")
        for question in ("When is the scion cut?", "With what is it bound to the rootstock?"):
            print(f"{question}\n  {ask(warden, path, question)}")
        # What was said is found: in the transcript and in the summary.
        for hit in warden.search("rootstock wax"):
            print(f"found: {hit.file.path}: {hit.snippets[0].text}")
        for chat in warden.chats(path):
            print(f"{chat.at}: {chat.question}")


if __name__ == "__main__":
    main()
