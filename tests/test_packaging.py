"""What the packaging promises."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Stands before a child's code: an interpreter in which the named packages are not installed.
WITHOUT = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {names}:
            raise ModuleNotFoundError("No module named " + repr(name), name=name)
sys.meta_path.insert(0, Absent())
import importlib.util
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name.split(".")[0] in {names} else real(name, *rest)
"""


def child(code: str, without=()) -> subprocess.CompletedProcess:
    code = WITHOUT.format(names=set(without) or "set()") + code
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)


TRAINING_SIDE = [
    "commands",
    "fields",
    "metrics",
    "models",
    "modules",
    "objectives",
    "plugin",
    "readers",
    "teachers",
    "training",
]


def test_the_training_side_says_in_one_sentence_what_to_install():
    code = f"""
import importlib
for name in {TRAINING_SIDE}:
    try:
        importlib.import_module("allennlp_kd." + name)
    except ImportError as error:
        print(error)
    else:
        print("imported", name)
"""
    result = child(code, without=("allennlp", "allennlp_models"))
    lines = result.stdout.splitlines()
    assert len(lines) == len(TRAINING_SIDE), result.stdout + result.stderr
    for line in lines:
        assert re.match(
            r"allennlp_kd\.\w+ needs allennlp and allennlp_models: install .*"
            r"`pip install --no-deps -r requirements/modern-py311.txt`.*\.$",
            line,
        )


def test_what_is_light_needs_no_allennlp():
    result = child(
        "import allennlp_kd, allennlp_kd.structs", without=("allennlp", "allennlp_models")
    )
    assert result.returncode == 0, result.stderr


def test_the_package_itself_and_the_bridge_import_no_torch():
    result = child(
        "import allennlp_kd\nassert 'torch' not in sys.modules",
        without=("allennlp", "allennlp_models"),
    )
    assert result.returncode == 0, result.stderr


SERVING = ["serving-modern-py311.txt", "serving-legacy-py310.txt"]


def pins_of(name):
    lines = (ROOT / "requirements" / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("name", ["modern-py311.txt", "legacy-py310.txt", "demo.txt", *SERVING])
def test_requirements_are_pinned_once_each(name):
    pins = pins_of(name)
    assert pins
    for pin in pins:
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", pin), pin
    names = [pin.split("==")[0].lower().replace("_", "-") for pin in pins]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", ["modern-py311.txt", "legacy-py310.txt"])
def test_pins_hold_what_the_package_declares(name):
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8").lower()
    for package in (
        "numpy",
        "spacy",
        "onnxruntime",
        "allennlp",
        "allennlp-models",
        "overrides",
        "torch",
    ):
        assert re.search(rf"^{package}==", text, re.MULTILINE), package
    assert "allennlp==2.10.1" in text and "allennlp-models==2.10.1" in text


@pytest.mark.parametrize("name", SERVING)
def test_serving_is_pinned_as_in_the_whole_stack(name):
    assert set(pins_of(name)) < set(pins_of(name[len("serving-") :]))
    assert not [pin for pin in pins_of(name) if re.match("torch|allennlp|transformers|onnx==", pin)]


def test_the_pins_of_serving_are_all_that_serving_needs():
    from tests.spacy_bridge.serving_environment import serving_distributions

    name = SERVING[0] if sys.version_info >= (3, 11) else SERVING[1]
    found = {distribution.metadata["Name"] for distribution in serving_distributions()}
    pinned = {pin.split("==")[0] for pin in pins_of(name)}
    assert {plain(name) for name in found} == {plain(name) for name in pinned}


def plain(name):
    return re.sub("[-_.]+", "-", name).lower()


def test_make_refuses_an_unknown_stack():
    result = subprocess.run(
        ["make", "setup", "STACK=ancient"], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode != 0
    assert 'STACK must be modern or legacy, found "ancient"' in result.stderr


def test_no_suitable_python_is_one_sentence():
    result = subprocess.run(
        ["bash", ".ci/find-python", "2.99"], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode != 0 and not result.stdout
    assert re.fullmatch(r"No Python 2\.99 .* was found .*PYTHON=\S+\n", result.stderr)


def test_a_suitable_python_is_named():
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    result = subprocess.run(
        ["bash", ".ci/find-python", "2.98", version], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert Path(result.stdout.strip()).name.startswith("python")


@pytest.mark.parametrize("versions, said", [("2.98 {}", ""), ("2.98", "is no Python 2.98 ")])
def test_a_named_python_comes_first(tmp_path, versions, said):
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    named = tmp_path / "mine"
    named.symlink_to(sys.executable)
    result = subprocess.run(
        ["bash", ".ci/find-python", *versions.format(version).split()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHON": str(named)},
    )
    assert result.stdout.strip() == ("" if said else str(named))
    assert (said in result.stderr) if said else not result.stderr


def test_every_package_is_packaged():
    # In a child, as setuptools must be imported before distutils and other tests may have been first.
    result = child(
        "from setuptools import find_packages\n"
        "include = ['allennlp_kd', 'allennlp_kd.*', 'spacy_bridge', 'spacy_bridge.*']\n"
        "print(*find_packages('.', include=include))"
    )
    assert result.returncode == 0, result.stderr
    folders = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for package in ("allennlp_kd", "spacy_bridge")
        for path in (ROOT / package).rglob("*.py")
    }
    assert folders == set(result.stdout.split())


def test_the_entry_points_name_what_exists():
    import importlib

    targets = re.findall(r'"\w+ = ([\w.]+):(\w+)"', (ROOT / "setup.py").read_text(encoding="utf-8"))
    assert len(targets) == 8
    for module, name in targets:
        assert callable(getattr(importlib.import_module(module), name))


def test_the_changelog_has_the_version_and_lines_for_the_next_one_on_top():
    version = re.search(r'__version__ = "(.+)"', (ROOT / "allennlp_kd/__init__.py").read_text())[1]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[(.+?)\](?: - (\d{4}-\d\d-\d\d))?$", changelog, re.MULTILINE)
    assert headings[0] == ("Unreleased", "")
    assert headings[1][0] == version and headings[1][1]
