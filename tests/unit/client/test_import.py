"""What an application pays for importing the client."""

import subprocess
import sys

HEAVY = ("apsw", "peewee", "psycopg", "yaml", "click", "rich", "prometheus_client", "watchdog")
ROOMS = ("catalogue", "config", "act", "databases", "policy", "facts", "measure", "daemon", "cli")


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_nothing_is_imported_but_the_standard_library_and_a_few_files_of_ours() -> None:
    loaded = run("import sys; import storewarden.client; print(' '.join(sys.modules))").split()
    outside = {
        name.partition(".")[0]
        for name in loaded
        if name.partition(".")[0] not in {*sys.stdlib_module_names, "storewarden", "__main__"}
    }

    # files that a virtual environment loads by itself, before anything else
    assert {name for name in outside if not name.startswith(("_", "sitecustomize"))} == set()
    assert [name for name in HEAVY if name in loaded] == []
    assert [room for room in ROOMS if f"storewarden.{room}" in loaded] == []


def test_the_import_takes_less_than_sixty_milliseconds() -> None:
    took = "import time; t = time.process_time(); import storewarden.client as c; "
    took += "c.Warden; print(time.process_time() - t)"

    assert min(float(run(took)) for _ in range(3)) < 0.060
