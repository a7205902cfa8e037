"""Every command and every block of code of the documentation, page by page, in the page's order."""

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Dict

import pytest
import spacy
from allennlp.common.plugins import import_plugins
from allennlp.common.util import import_module_and_submodules

from tests.docs.blocks import PAGES, blocks_of, by_page, name_of, unfenced
from tests.docs.commands import Shell, commands_of
from tests.docs.configurations import check, whole
from tests.docs.world import make_world

SHOWN = ("text", "bibtex")  # formulas, files and citations: there is nothing to run
KINDS = ("bash", "jsonnet", "python", *SHOWN)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import_plugins()
    import_module_and_submodules("allennlp_kd")
    folder = make_world(tmp_path_factory.mktemp("docs") / "world")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        Shell(folder, patch).run("allennlp train distill.jsonnet -s runs/student".split())
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page, blocks in by_page().items() if blocks])
def test_page(page: str, world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "here"
    shutil.copytree(world, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(spacy, "load", _load(folder))
    shell = Shell(folder, monkeypatch)
    names: Dict[str, Any] = {"__name__": "documentation"}
    for number, block in enumerate(by_page()[page]):
        assert block.kind in KINDS, f"{block.where}: a block of no known kind: '{block.kind}'"
        if "stanza" in block.text and find_spec("stanza") is None:
            continue
        try:
            if block.kind == "bash":
                for words in commands_of(block.text):
                    shell.run(words)
            elif block.kind == "jsonnet":
                check(whole(block, folder), folder / f"built-{number}")
            elif block.kind == "python":
                exec(compile(block.text, block.where, "exec"), names)
        except BaseException as error:
            raise AssertionError(f"{block.where}: {type(error).__name__}: {error}") from error


def _load(folder: Path) -> Any:
    """An installed pipeline is found among those that the page has packaged."""

    def load(name: str) -> Any:
        if not (folder / name).is_dir():
            (name,) = map(str, folder.rglob(f"{name}-*"))
        return spacy.util.load_model(name)

    return load


def test_nothing_is_code_without_a_fence() -> None:
    found = {name_of(page): lines for page in PAGES if (lines := unfenced(page))}
    # Formulas of docstrings, which are no commands.
    found.pop("docs/configuration.md")
    assert found == {}


def test_fences_are_closed() -> None:
    for page in PAGES:
        fences = page.read_text(encoding="utf-8").count("```")
        assert fences == 2 * len(blocks_of(page)), name_of(page)
