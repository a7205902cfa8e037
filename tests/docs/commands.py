"""What becomes of the documentation's commands: they are run on small files, or read by their parser."""

import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import Callable, Dict, List

import pytest
from packaging.requirements import Requirement

from benchmarks.__main__ import names as benchmark_names
from tests.docs.blocks import ROOT

ASSIGNMENT = re.compile(r"[A-Z_]+=\S*")
TINY = '{"trainer.num_epochs": 1, "trainer.cuda_device": -1}'


def commands_of(text: str) -> List[List[str]]:
    """The words of each command, without variables that are set for it, `&` and comments."""
    found: List[List[str]] = []
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="&;|>")
        lexer.whitespace_split = True
        words: List[str] = []
        for word in [*lexer, "&&"]:
            if word not in ("&&", "&", ";"):
                words.append(word)
                continue
            while words and ASSIGNMENT.fullmatch(words[0]):
                words = words[1:]
            if words:
                found.append(words)
            words = []
    return found


def without(words: List[str], *options: str) -> List[str]:
    """The words without these options and their values."""
    found: List[str] = []
    for place, word in enumerate(words):
        if word not in options and (place == 0 or words[place - 1] not in options):
            found.append(word)
    return found


class Shell:
    """Runs commands in a folder, which must be the current one.

    # Parameters

    folder : `Path`
    monkeypatch : `pytest.MonkeyPatch`
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder, self._monkeypatch = folder, monkeypatch
        self._known: Dict[str, Callable[[List[str]], None]] = {
            "allennlp": self._allennlp,
            "echo": self._echo,
            "export": lambda words: _all(ASSIGNMENT.fullmatch(word) for word in words),
            "make": self._make,
            "pip": self._pip,
            "python": self._python,
            "source": lambda words: _all([words == [".venv/bin/activate"]]),
            "wait": lambda words: _all([not words]),
        }

    def run(self, words: List[str]) -> None:
        """
        # Raises

        AssertionError
            If the command is of no known kind, or fails.
        """
        name = words[0]
        if name.startswith(".ci/"):
            assert (ROOT / name).is_file() and len(words) <= 2, words
            return
        name = re.sub(r"^runs/\w+/serve/bin/", "", name)
        assert name in self._known, f"a command of no known kind: {' '.join(words)}"
        self._known[name](words[1:])

    def _echo(self, words: List[str]) -> None:
        assert words[-2] in (">", ">>"), words
        mode = "a" if words[-2] == ">>" else "w"
        with open(self._folder / words[-1], mode, encoding="utf-8") as file:
            file.write(" ".join(words[:-2]) + "\n")

    def _make(self, words: List[str]) -> None:
        """`.ci/run` and the marked tests run these."""
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
        assert phony is not None
        for word in words:
            name, _, value = word.partition("=")
            if word == name:
                assert name in phony[1].split(), word
            else:
                assert f"$({name})" in makefile, word
                assert name != "STACK" or value in ("modern", "legacy"), word

    def _pip(self, words: List[str]) -> None:
        assert words[0] in ("install", "wheel"), words
        setup = (ROOT / "setup.py").read_text(encoding="utf-8")
        previous = ""
        for word in words[1:]:
            if previous == "-r":
                assert (ROOT / word).is_file(), word
            elif previous == "--wheel-dir" or word == "." or word.endswith(".whl"):
                pass
            elif word.startswith("-"):
                assert word in ("-r", "-e", "--no-deps", "--wheel-dir"), word
            else:
                # A clone's extras are written as those of `.`.
                requirement = Requirement(re.sub(r"^\.\[", "allennlp-kd[", word))
                assert requirement.name == "allennlp-kd", word
                assert all(f'"{extra}": ' in setup for extra in requirement.extras), word
            previous = word

    def _python(self, words: List[str]) -> None:
        assert words[0] == "-m", words
        module, rest = words[1], words[2:]
        if module == "spacy_bridge":
            self._spacy_bridge(rest)
        elif module == "benchmarks":
            assert rest[0] in (*benchmark_names(), "NAME"), rest
            for option, value in zip(rest, rest[1:]):
                assert option != "--grid" or (ROOT / value).is_file(), value
            if rest[0] == "demo":
                _known_options("benchmarks/demo/__main__.py", rest)
        elif module == "tools.documentation":
            _known_options("tools/documentation/__main__.py", rest)
        elif module == "pip":
            self._pip(rest)
        else:
            assert module == "venv" and len(rest) == 1, words

    def _spacy_bridge(self, words: List[str]) -> None:
        from spacy_bridge.__main__ import main

        # Wheels are built by a marked test, and by `make demo`.
        assert "--build" not in words or words[words.index("--build") + 1] == "wheel"
        words = without(words, "--build", "--workers")
        assert main([*words, *(["--force"] if words[0] == "package" else [])]) == 0, words

    def _allennlp(self, words: List[str]) -> None:
        from allennlp.commands import main, parse_args

        if any(word.startswith("training_configs/") for word in words):
            # Each of these is trained by the tests of configurations.
            (config,) = (word for word in words if word.startswith("training_configs/"))
            assert (ROOT / config).is_file(), config
            self._monkeypatch.setattr(sys, "argv", ["allennlp", *words])
            parse_args("allennlp")
            return
        if "--scheduler" in words:  # of several machines
            self._monkeypatch.setattr(sys, "argv", ["allennlp", *words])
            parse_args("allennlp")
            return
        words = without(words, "--workers")  # the same, by this process alone
        if words[0] == "train":
            if "--recover" not in words:
                shutil.rmtree(self._folder / words[words.index("-s") + 1], ignore_errors=True)
            words = [*words, "-o", TINY]
        if words[0] == "kd-distill":
            words = [*words, "-o", TINY]
        self._monkeypatch.setattr(sys, "argv", ["allennlp", *words])
        main("allennlp")


def _known_options(path: str, words: List[str]) -> None:
    source = (ROOT / path).read_text(encoding="utf-8")
    assert all(f'"{word}"' in source for word in words if word.startswith("--")), words


def _all(conditions) -> None:
    assert all(conditions)
