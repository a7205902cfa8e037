"""Tries an architecture: as a teacher, as a student, and packaged for spaCy."""

import json
import re
import shutil
import tarfile
from copy import deepcopy
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

import allennlp_models.rc  # noqa: F401 (registers qanet_encoder)
import torch
from allennlp.common import Params, cached_transformers
from allennlp.data import Batch, DatasetReader, Instance, Token, Vocabulary
from allennlp.models import Model, load_archive
from allennlp.models.simple_tagger import SimpleTagger
from allennlp_models.structured_prediction.models.biaffine_dependency_parser import (
    BiaffineDependencyParser,
)
from allennlp_models.tagging.models.crf_tagger import CrfTagger

import allennlp_kd.plugin  # noqa: F401
import tests.teachers.own_taggers  # noqa: F401 (registers them)
from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.teachers.archive.archive_teacher import ArchiveTeacher
from spacy_bridge.packaging.student_files import student_files
from spacy_bridge.runtime.manifest import sum_up
from spacy_bridge.runtime.open_student import open_student
from tests.architectures.configurations import Configuration
from tests.teachers.archive.legacy.tiny_transformers import write_transformer, write_weights
from tests.teachers.elmo import write_elmo
from tests.teachers.parsers import stock_scores

SENTENCES = [
    ["the", "cat", "runs"],
    ["dogs"],
    ["a", "dog", "sleeps", "#1", "cats", "the", "cat"],
    ["the", "dog", "runs", "a", "cat", "."],
]
LONG = SENTENCES[2] * 3
LABELS = ["O", "B-X", "I-X", "B-Y"]
ARCS = ["root", "nsubj", "obj", "det"]
POS = ["DT", "NN", "VB"]
TOLERANCE = 1e-5
YES, NOT_TRIED = "yes", "-"
STUDENTS = {
    CrfTagger: "crf_tagger_student",
    SimpleTagger: "simple_tagger_student",
    BiaffineDependencyParser: "biaffine_parser_student",
}


class Trial:
    """A configuration's archive, and what it is compared with.

    # Parameters

    configuration : `Configuration`
    folder : `Path`
        Where the archive and the files that it names are written.
    """

    def __init__(self, configuration: Configuration, folder: Path) -> None:
        self.configuration = configuration
        self.folder = folder
        self._files: Dict[str, str] = {}
        if configuration.transformer is not None:
            transformer = write_transformer(configuration.transformer, folder / "transformer")
            self._files["{transformer}"] = str(write_weights(transformer))
        if configuration.elmo:
            files = write_elmo(folder / "elmo")
            self._files.update({"{options}": files["options_file"]})
            self._files.update({"{weights}": files["weight_file"]})
        self.is_parser = configuration.model["type"] == "biaffine_parser"
        folds = "max_length" in json.dumps(configuration.model)
        self.sentences = [*SENTENCES, LONG] if folds else SENTENCES
        self.archive = self._write()

    def _write(self) -> Path:
        reader_params = self._filled(self.configuration.reader)
        model_params = self._filled(self.configuration.model)
        folder = self.folder / "archive"
        (folder / "vocabulary").mkdir(parents=True)
        cached_transformers._model_cache.clear()
        extras: Dict[str, Any] = {"serialization_dir": str(folder), "local_rank": 0}
        reader = DatasetReader.from_params(Params(deepcopy(reader_params)), **extras)
        instances = self._instances(reader)
        vocabulary = Vocabulary.from_instances(instances)
        torch.manual_seed(13)
        model = Model.from_params(Params(deepcopy(model_params)), vocab=vocabulary, **extras)
        with torch.no_grad():
            for name, weight in model.named_parameters():
                if name == "crf._constraint_mask" or "transformer_model" in name:
                    continue
                # Larger weights saturate the probabilities that stock's parser decodes.
                weight.uniform_(-0.5, 0.5) if weight.dim() == 1 else weight.mul_(1.5)
        vocabulary.save_to_files(str(folder / "vocabulary"))
        torch.save(model.state_dict(), folder / "weights.th")
        content = {"dataset_reader": reader_params, "model": model_params}
        (folder / "config.json").write_text(json.dumps(content))
        return packed(folder)

    def _filled(self, part: Dict[str, Any]) -> Dict[str, Any]:
        text = json.dumps(part)
        for name, value in self._files.items():
            text = text.replace(name, value)
        return json.loads(text)

    def _instance(self, reader: DatasetReader, words: List[str], gold: bool = False) -> Any:
        count = len(words)
        kind = self.configuration.reader["type"]
        if self.is_parser:
            dependencies = [(ARCS[i % len(ARCS)], i) for i in range(count)] if gold else None
            return reader.text_to_instance(words, self._pos(words), dependencies)
        tokens = [Token(word, tag_=pos) for word, pos in zip(words, self._pos(words))]
        if not self.configuration.attributes:
            tokens = [Token(word) for word in words]
        tags = [LABELS[i % len(LABELS)] for i in range(count)] if gold else None
        if kind == "conll2000":
            features = self.configuration.reader.get("feature_labels", ())
            pos = self._pos(words) if "pos" in features else None
            chunks = ["O"] * count if "chunk" in features else None
            return reader.text_to_instance(tokens, pos, tags or chunks)
        return reader.text_to_instance(tokens, tags)

    def _pos(self, words: List[str]) -> List[str]:
        return [POS[place % len(POS)] for place in range(len(words))]

    def _instances(self, reader: DatasetReader, gold: bool = True) -> List[Instance]:
        found = [self._instance(reader, words, gold) for words in self.sentences]
        for instance in found:
            reader.apply_token_indexers(instance)
        return found

    def _batch(self, archive: Any, gold: bool = True) -> Dict[str, Any]:
        batch = Batch(self._instances(archive.dataset_reader, gold))
        batch.index_instances(archive.model.vocab)
        return batch.as_tensor_dict()

    def run(self) -> Dict[str, str]:
        """What holds for the architecture: "yes", or why not."""
        return {
            "teaches": self._attempt(self.teaches),
            "student": self._attempt(self.student_equals_stock),
            "packaged": self._attempt(self.packaged),
        }

    def _attempt(self, check: Callable[[], Optional[str]]) -> str:
        cached_transformers._model_cache.clear()
        try:
            return check() or YES
        except Exception as error:  # noqa: BLE001 (whatever it is, it is the answer)
            reason = str(error).replace(f"the archive {self.archive}", str(self.archive))
            reason = reason.replace(str(self.archive), "the archive")
            for name, value in self._files.items():
                reason = reason.replace(value, name)
            reason = re.sub(r"/\S*/", "", reason.replace(str(self.folder), ""))
            reason = reason.split("; supported: ")[0].replace("the archive: ", "")
            known = type(error).__name__ in ("ConfigurationError", "UnsupportedError")
            return reason if known else f"{type(error).__name__}: {reason}"

    def _given(self) -> Dict[str, str]:
        given = {}
        layers = "pretrained_transformer_layers" in json.dumps(self.configuration.model)
        if self.configuration.transformer is not None and not layers:
            given["transformer"] = self._files["{transformer}"]
        return given

    def teaches(self) -> Optional[str]:
        given = self._given()
        if self.configuration.elmo:
            given["elmo_options"] = self._files["{options}"]
        teacher = ArchiveTeacher(str(self.archive), -1, **given)
        found = teacher.score([self._sentence(words) for words in self.sentences])
        if self.is_parser:
            tagged = [Sentence(tuple(w), tuple(self._pos(w))) for w in self.sentences]
            arcs, labels = stock_scores(
                self._with("model", use_mst_decoding_for_validation=True), tagged
            )[1:]
            there = found.arc_mask
            pairs = [(found.arcs[there], arcs[:, 1:][there])]
            pairs += [(found.label_scores()[there], labels[:, 1:][there])]
        else:
            stock = load_archive(str(self.archive))
            with torch.no_grad():
                expected = stock.model.eval()(**self._batch(stock))
            pairs = [(found.emissions[found.mask], expected["logits"][found.mask])]
            if hasattr(stock.model, "crf"):
                pairs.append((found.transitions, stock.model.crf.transitions.detach()))
        return difference(pairs)

    def _sentence(self, words: List[str]) -> Sentence:
        pos = tuple(self._pos(words))
        if self.configuration.attributes:
            return Sentence(tuple(words), features=(("tag_", pos),))
        return Sentence(tuple(words), pos if self.configuration.tags else None)

    def student_equals_stock(self) -> Optional[str]:
        """The same weights in the student's class: the same loss, scores and decisions."""
        stock = load_archive(str(self.archive))
        kind = type(stock.model)
        if kind not in STUDENTS:
            return NOT_TRIED
        decoder = {"decoder": "stock"} if self.is_parser else {}
        student = load_archive(self._with("model", type=STUDENTS[kind], **decoder))
        with torch.no_grad():
            ours = student.model.eval()(**self._batch(student))
            stocks = stock.model.eval()(**self._batch(stock))
        decisions = [self._decisions(archive) for archive in (student, stock)]
        if decisions[0] != decisions[1]:
            return f"other decisions: {decisions[0]}, stock's are {decisions[1]}"
        pairs = [(ours["loss"], stocks["loss"])]
        if not self.is_parser:
            there = ours["mask"]
            pairs.append((ours["logits"][there], stocks["logits"][there]))
        return difference(pairs)

    def _with(self, part: str, **options: Any) -> str:
        """The archive with other options in a part of its configuration."""
        folder = self.folder / "other"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.unpack_archive(self.archive, folder)
        config = json.loads((folder / "config.json").read_text())
        config[part].update(options)
        (folder / "config.json").write_text(json.dumps(config))
        return str(packed(folder))

    def _stock_decisions(self) -> List[Any]:
        return self._decisions(load_archive(str(self.archive)))

    def _decisions(self, archive: Any) -> List[Any]:
        """What stock says of each sentence by itself: tags, or heads and labels."""
        model = archive.model.eval()
        instances = self._instances(archive.dataset_reader, gold=False)
        outputs = [model.forward_on_instance(instance) for instance in instances]
        if not self.is_parser:
            return [list(output["tags"]) for output in outputs]
        return [
            [[int(head) for head in output["predicted_heads"]], output["predicted_dependencies"]]
            for output in outputs
        ]

    def packaged(self) -> Optional[str]:
        """What spaCy's components run gives AllenNLP's tags and trees."""
        files = student_files(self.archive, **self._given(), trust=self.configuration.elmo)
        opened = open_student({**files, "manifest.json": sum_up(files)})
        takes_tags = self.configuration.tags and self.is_parser  # stock's taggers ignore them
        tags = [[self._pos(words) for words in self.sentences]] if takes_tags else []
        found = opened(self.sentences, *tags)
        ours = [[each.heads, each.labels] if self.is_parser else list(each) for each in found]
        stocks = self._stock_decisions()
        return None if ours == stocks else f"other decisions: {ours}, stock's are {stocks}"


def packed(folder: Path) -> Path:
    path = folder.parent / f"{folder.name}.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name in ("config.json", "weights.th", "vocabulary"):
            archive.add(folder / name, arcname=name)
    return path


def difference(pairs: Any) -> Optional[str]:
    largest = max(float(((a - b).abs() / (1 + b.abs())).max()) for a, b in pairs)
    return None if largest <= TOLERANCE else f"scores differ by {largest:.2g}"
