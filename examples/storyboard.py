"""A storyboard: a story of some scenes becomes pictures and a video, and Storewarden hears of it.

    python examples/storyboard.py "a fox finds a lantern" --into save_outputs

The "models" here are a few lines that draw; where yours are called, the calls are recorded the
same way. Needs Pillow and ffmpeg, and a daemon that watches the directory (or --catalogue).
"""

import argparse
import random
import subprocess
from pathlib import Path

from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from storewarden.client import Phase, Warden

STYLE = "ink and lantern light"
BEATS = ("wakes before the others", "follows a sound into the dark", "comes home changed")


def write_story(warden: Warden, workflow: str, prompt: str) -> list[str]:
    """Ask a language model for a story: the block is timed, what it cost is set inside."""
    with warden.record_api_usage.timed("openai", "gpt-4o", "story", workflow=workflow) as call:
        beats = [f"{prompt} {beat}" for beat in BEATS]
        call.tokens_in, call.tokens_out = len(prompt), sum(map(len, beats))
        call.cost = "0.0125"  # dollars; a string is exact to the billionth
    return beats


def paint(prompt: str, seed: int, path: Path) -> None:
    """Ask a picture model: what it was told is written into the file, as most tools do."""
    dice = random.Random(seed)
    picture = Image.new("RGB", (320, 180), tuple(dice.randrange(60) for _ in range(3)))
    pen = ImageDraw.Draw(picture)
    for _ in range(12):
        x, y, size = dice.randrange(320), dice.randrange(180), dice.randrange(4, 40)
        pen.ellipse((x, y, x + size, y + size), fill=(250, dice.randrange(120, 220), 60))
    info = PngInfo()
    info.add_text(
        "parameters",
        f"{prompt}\nSteps: 20, Sampler: Euler, Seed: {seed}, Size: 320x180, Model: sketch",
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, pnginfo=info)


def film(pictures: list[Path], path: Path) -> None:
    """Join pictures to a video, half a second each."""
    pattern = str(pictures[0].parent / "scene_%02d.png")
    coded = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-r", "24")
    ffmpeg = ("ffmpeg", "-v", "error", "-y", "-framerate", "2", "-i", pattern, *coded)
    subprocess.run([*ffmpeg, str(path)], check=True, stdin=subprocess.DEVNULL)


def make(warden: Warden, prompt: str, workflow: str, folder: Path) -> Path:
    """Make the whole storyboard; return the video."""
    warden.create_workflow(
        workflow,
        title=prompt.capitalize(),
        status="running",
        phase="script",
        original_prompt=prompt,
        phases=[Phase(name=name, status="planned") for name in ("script", "images", "video")],
        more={"style": STYLE},
    )
    beats = write_story(warden, workflow, prompt)
    warden.update_workflow(
        workflow,
        enhanced_story=". ".join(beats),
        phase="images",
        phases=[Phase(name="script", status="done"), Phase(name="images", status="running")],
    )

    # A decorator times and counts every call of a function, and notes the ones that fail.
    painted = warden.record_api_usage.timed("replicate", "sketch", "image", workflow=workflow)(
        paint
    )
    pictures = []
    for number, beat in enumerate(beats, 1):
        path = folder / workflow / f"scene_{number:02}.png"
        painted(f"{beat}, {STYLE}", number, path)
        # The daemon sees the file by itself; this tells what no file can: to what it belongs.
        warden.add_scene(
            workflow,
            str(number),
            number=number,
            description=beat,
            prompt=f"{beat}, {STYLE}",
            image=path,
            status="done",
        )
        warden.add_generated_file(
            path,
            workflow=workflow,
            scene=str(number),
            file_type="scene_image",
            metadata={"scene_number": number, "style": STYLE},
        )
        pictures.append(path)

    warden.update_workflow(
        workflow,
        phase="video",
        phases=[Phase(name="images", status="done"), Phase(name="video", status="running")],
    )
    video = folder / workflow / "storyboard.mp4"
    # Told before it is made: it is one row all the same.
    warden.add_generated_file(
        video, workflow=workflow, file_type="video", rating=4.5, tags=["final"]
    )
    film(pictures, video)
    warden.update_workflow(workflow, status="done", phases=[Phase(name="video", status="done")])
    return video


def main() -> None:
    """Read the command line and make one storyboard."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("prompt")
    parser.add_argument("--into", type=Path, default=Path("save_outputs"))
    parser.add_argument("--name", default="storyboard-1", help="of the workflow")
    parser.add_argument("--address", help="of the daemon, else the socket of the configuration")
    parser.add_argument("--catalogue", help="without a daemon: a configuration, sqlite:///…, …")
    given = parser.parse_args()
    with Warden(given.address, catalogue=given.catalogue) as warden:
        video = make(warden, given.prompt, given.name, given.into.resolve())
        spent = sum(one.cost or 0 for one in warden.usage(workflow=given.name))
    print(f"{video}, for {spent} dollars")


if __name__ == "__main__":
    main()
