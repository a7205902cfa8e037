"""The rooms of the two packages: imports point down, and nothing imports in a circle."""

import ast
from pathlib import Path
from typing import Dict, Iterator, List, Set

import pytest

ROOT = Path(__file__).parents[1]

# Floors from the top down. A file may import from its own room and from lower floors alone; rooms that
# share a floor do not import each other.
FLOORS: List[Set[str]] = [
    {"allennlp_kd.plugin"},
    {"allennlp_kd.commands"},
    {"allennlp_kd.init_config", "allennlp_kd.report"},
    {"allennlp_kd.report.page"},
    {"allennlp_kd.report.plots"},
    {"allennlp_kd.report.numbers"},
    {"allennlp_kd.training"},
    {"allennlp_kd.models", "allennlp_kd.readers"},
    {"allennlp_kd.teachers.store", "allennlp_kd.teachers.archive", "allennlp_kd.teachers.ensemble"},
    {"allennlp_kd.teachers.scorers"},
    {"allennlp_kd.teachers"},
    {"allennlp_kd.modules", "allennlp_kd.metrics", "allennlp_kd.fields"},
    {"allennlp_kd.objectives"},
    {"allennlp_kd.objectives.chain", "allennlp_kd.objectives.tree"},
    {"allennlp_kd.objectives.numerics"},
    {"spacy_bridge.__main__"},
    {"spacy_bridge"},
    {"spacy_bridge.corpus", "spacy_bridge.packaging"},
    {"spacy_bridge.packaging.networks"},
    {"spacy_bridge.packaging.archive", "spacy_bridge.components"},
    {"spacy_bridge.runtime"},
    {"spacy_bridge.runtime.words", "spacy_bridge.runtime.decoding"},
    {"spacy_bridge.runtime.networks"},
    {"spacy_bridge.errors", "spacy_bridge.atomic_file"},
    {"allennlp_kd.archives"},
    {"allennlp_kd.structs"},
    {"allennlp_kd.structs.tree"},
    {"allennlp_kd.structs.chain"},
    {
        "allennlp_kd.structs.tree.partition",
        "allennlp_kd.structs.tree.labels",
        "allennlp_kd.structs.chain.forward_backward",
    },
    {"allennlp_kd.structs.tree.spanning"},
    {"allennlp_kd.structs.numerics"},
    {
        "allennlp_kd.training_side",
        "spacy_bridge.atomic_file",
        "spacy_bridge.drawing",
        "spacy_bridge.tokenizer_guard",
        "allennlp_kd.random_states",
    },
    {"allennlp_kd"},
]
FLOOR: Dict[str, int] = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def modules() -> Dict[str, Path]:
    """The Python files of both packages, by the names of their modules."""
    found = {}
    for package in ("allennlp_kd", "spacy_bridge"):
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def room_of(module: str) -> str:
    """The longest prefix of a module's name that is a room."""
    parts = module.split(".")
    return next(
        name
        for name in (".".join(parts[:count]) for count in range(len(parts), 0, -1))
        if name in FLOOR
    )


def imports_of(module: str) -> Iterator[str]:
    """The modules of the two packages that a module imports, anywhere in its code."""
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{module} has a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            while name and name not in MODULES:
                name = name.rpartition(".")[0]
            if name:
                yield name


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_point_down(module):
    room = room_of(module)
    for imported in imports_of(module):
        other = room_of(imported)
        assert other == room or FLOOR[other] > FLOOR[room], (
            f"{module} imports {imported}, from {room} up to {other}"
        )


def test_no_circle_of_files():
    done: Set[str] = set()

    def visit(module: str, path: List[str]) -> None:
        assert module not in path, " imports ".join([*path[path.index(module) :], module])
        if module in done:
            return
        for imported in set(imports_of(module)) - {module}:
            visit(imported, [*path, module])
        done.add(module)

    for module in MODULES:
        if MODULES[module].name != "__init__.py":
            visit(module, [])


def test_each_room_exists():
    for room in FLOOR:
        assert room in MODULES, f"{room} is in the table of floors and nowhere else"


@pytest.mark.parametrize("room", ["allennlp_kd.structs", "spacy_bridge.runtime"])
def test_a_forbidden_import_is_found(room, monkeypatch, tmp_path):
    """The test itself can fail: a file that imports upward is reported."""
    file = tmp_path / "upward.py"
    file.write_text("def late():\n    from allennlp_kd.commands.score import KdScore\n")
    monkeypatch.setitem(MODULES, f"{room}.upward", file)
    with pytest.raises(AssertionError, match="up to allennlp_kd.commands"):
        test_imports_point_down(f"{room}.upward")
