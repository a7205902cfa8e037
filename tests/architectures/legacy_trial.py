"""Tries an archive that the legacy stack wrote, against the scores that it had there."""

import json
import shutil
from pathlib import Path
from typing import Any, Dict, List, Optional

import torch
from allennlp.models import load_archive
from overrides import overrides

from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.teachers.archive.archive_teacher import ArchiveTeacher
from tests.architectures.configurations import Configuration
from tests.architectures.trial import Trial, difference, packed
from tests.teachers.archive.legacy.tiny_transformers import TRANSFORMERS
from tests.teachers.archive.legacy.write_archives import SENTENCES

FOLDER = Path(__file__).parents[1] / "teachers" / "archive" / "legacy"
LEGACY = sorted(path.name.split(".")[0] for path in FOLDER.glob("*.tar.gz"))
"""The names of the archives."""


class LegacyTrial(Trial):
    """
    # Parameters

    name : `str`
        One of `LEGACY`.
    folder : `Path`
        Where the files that the archive names are written.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self._name = name
        self._transformer = max((each for each in TRANSFORMERS if name.startswith(each)), key=len)
        model = {"type": "biaffine_parser" if name.endswith("parser") else "crf_tagger"}
        reader = {"type": "universal_dependencies" if name.endswith("parser") else "conll2000"}
        super().__init__(Configuration(model, reader, self._transformer), folder)

    @overrides
    def _write(self) -> Path:
        self.sentences = SENTENCES
        return FOLDER / f"{self._name}.tar.gz"

    @overrides
    def _given(self) -> Dict[str, str]:
        return {} if "layers" in self._name else super()._given()

    def _pairs(self, **scores: torch.Tensor) -> List[Any]:
        """Scores beside those that were stored, sentence by sentence."""
        stored = json.loads((FOLDER / f"{self._name}.scores.json").read_text())
        pairs = []
        for name, found in scores.items():
            for row, expected in zip(found, map(torch.tensor, stored[name])):
                pairs.append((row[tuple(slice(size) for size in expected.shape)], expected))
        return pairs

    @overrides
    def teaches(self) -> Optional[str]:
        teacher = ArchiveTeacher(str(self.archive), -1, **self._given())
        found = teacher.score([Sentence(tuple(words)) for words in self.sentences])
        if self.is_parser:
            return difference(self._pairs(arcs=found.arcs, labels=found.label_scores()))
        return difference(self._pairs(emissions=found.emissions))

    def _student(self) -> Any:
        """The archive as a student's, opened by AllenNLP's own code."""
        folder = self.folder / "student"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.unpack_archive(self.archive, folder)
        name, here = f'"tiny-{self._transformer}"', json.dumps(self._files["{transformer}"])
        config = json.loads((folder / "config.json").read_text().replace(name, here))
        config["model"] = config["model"].get("student", config["model"])
        config["dataset_reader"] = config["dataset_reader"].get("reader", config["dataset_reader"])
        if not config["model"]["type"].endswith("_student"):
            config["model"]["type"] += "_student"
        if self.is_parser:
            config["model"]["decoder"] = "stock"
        (folder / "config.json").write_text(json.dumps(config))
        return load_archive(str(packed(folder)))

    @overrides
    def student_equals_stock(self) -> Optional[str]:
        student = self._student()
        if self.is_parser:
            return None  # its scores are compared above
        with torch.no_grad():
            found = student.model.eval()(**self._batch(student, gold=False))
        return difference(self._pairs(emissions=found["logits"]))

    @overrides
    def _stock_decisions(self) -> List[Any]:
        return self._decisions(self._student())
