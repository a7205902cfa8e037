"""The demo's last step: its students as a wheel, in an environment that holds what serving needs and no more."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, List, Sequence

ROOT = Path(__file__).resolve().parent.parent.parent
MODERN = "serving-modern-py311.txt"
PINS = {(3, 10): "serving-legacy-py310.txt", (3, 11): MODERN, (3, 12): MODERN}
LANG, NAME, VERSION = "tr", "demo", "0.0.1"
PAGE = "page.html"
SCRIPT = """
import sys, time
started = time.perf_counter()
import spacy
nlp = spacy.load(sys.argv[1])
seconds = time.perf_counter() - started
doc = nlp(sys.argv[2])
print(f"spacy.load({sys.argv[1]!r}): {nlp.pipe_names}, {seconds:.1f} s with the import")
print(f"nlp({doc.text!r})")
for token in doc:
    tree = ""
    if doc.has_annotation("DEP"):
        tree = "  root" if token.head == token else f"  <-{token.dep_}- {token.head.text}"
    print(f"    {token.text}" + (f"/{token.tag_}" if token.tag_ else "") + tree)
"""


def serve(archives: Dict[str, Path], folder: Path, text: str) -> str:
    """Builds the students' wheel, installs it into a fresh environment, and lets that one annotate a text.

    The environment draws the text's tree as well, into `page.html` in the folder.

    # Parameters

    archives : `Dict[str, Path]`
        By the name of their component, `tagger` or `parser`.
    folder : `Path`
        Of the wheels and the environment; what it held before is replaced, but for the environment's
        pinned packages where the pins are the same.
    text : `str`

    # Returns

    `str`
        What the environment said: the tags and the tree.

    # Raises

    SystemExit
        If a command fails; the end of what it said is in the message.
    """
    wheels = build_wheels(archives, folder / "wheels")
    python = environment(folder / "venv", pins())
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input", "-q"]
    # Nothing more is fetched: whether all that they require is there, the check says.
    run([*pip, "install", "--no-index", "--no-deps", "--force-reinstall", *map(str, wheels)])
    run([*pip, "check"])
    alone = [str(python), "-I", "-W", "ignore"]
    said = run([*alone, "-c", SCRIPT, f"{LANG}_{NAME}", text])
    (folder / "text").write_text(text, encoding="utf-8")
    draw = ["-m", "spacy_bridge", "demo", f"{LANG}_{NAME}", str(folder / "text")]
    run([*alone, *draw, "--output", str(folder / PAGE)])
    return said


def pins() -> Path:
    """What serving needs of the stack that runs this.

    # Raises

    SystemExit
        If this is no Python of a stack.
    """
    version = sys.version_info[:2]
    if version not in PINS:
        known = " or ".join(f"{major}.{minor}" for major, minor in PINS)
        raise SystemExit(
            f"the demo's packages are pinned for Python {known}, found {version[0]}.{version[1]}"
        )
    return ROOT / "requirements" / PINS[version]


def build_wheels(archives: Dict[str, Path], folder: Path) -> List[Path]:
    """The wheel of this package and that of the students' pipeline."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as name:
        # A copy, so that nothing of an older build gets into the wheel.
        sources = Path(name) / "allennlp-kd"
        sources.mkdir()
        for file in ("setup.py", "pyproject.toml", "README.md"):
            shutil.copy(ROOT / file, sources)
        for package in ("allennlp_kd", "spacy_bridge"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / package, sources / package, ignore=ignored)
        pip = [
            sys.executable,
            "-m",
            "pip",
            "--disable-pip-version-check",
            "-q",
            "wheel",
            "--no-deps",
        ]
        run([*pip, "--no-build-isolation", "--no-index", "--wheel-dir", str(folder), str(sources)])
    students = [part for name, path in archives.items() for part in (f"--{name}", str(path))]
    meta = ["--lang", LANG, "--name", NAME, "--version", VERSION]
    package = [sys.executable, "-W", "ignore", "-m", "spacy_bridge", "package", str(folder)]
    run([*package, *students, *meta, "--build", "wheel", "--no-isolation"])
    return sorted(folder.glob("*.whl"))


def environment(folder: Path, pinned: Path) -> Path:
    """A virtual environment with the pinned packages, from the package index.

    # Returns

    `Path`
        Its interpreter.
    """
    python, stamp = folder / "bin" / "python", folder / ".pins"
    wanted = pinned.read_text(encoding="utf-8")
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    run([sys.executable, "-m", "venv", str(folder)])
    install_pins(python, pinned)
    stamp.write_text(wanted, encoding="utf-8")
    return python


def install_pins(python: Path, pinned: Path) -> None:
    """Installs what a file names, and nothing else."""
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input", "-q", "install"]
    run([*pip, "--no-deps", "-r", str(pinned)])


def run(command: Sequence[str]) -> str:
    """What a command prints; the repository is on the path of this interpreter alone."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if command[0] == sys.executable:
        variables["PYTHONPATH"] = str(ROOT)
    done = subprocess.run(command, capture_output=True, text=True, env=variables)
    if done.returncode:
        said = "\n".join((done.stderr or done.stdout).splitlines()[-15:])
        raise SystemExit(f"`{' '.join(command[:6])} ...` failed ({done.returncode}):\n{said}")
    return done.stdout
