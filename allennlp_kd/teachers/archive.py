"""A teacher that scores as it is asked: a trained AllenNLP archive."""
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional

import torch
from allennlp.common import cached_transformers
from allennlp.common.checks import ConfigurationError
from allennlp.data import DatasetReader, Instance
from allennlp.data.fields import TextField
from allennlp.models import Model
from allennlp.models.archival import load_archive
from allennlp.modules.token_embedders import PretrainedTransformerEmbedder
from allennlp.nn import util
from allennlp_models.tagging.models.crf_tagger import CrfTagger
from overrides import overrides

from allennlp_kd.data.optional_field import OptionalField
from allennlp_kd.data.teacher_instance_field import TeacherInstanceField
from allennlp_kd.teachers.archive_files import extracted, fingerprint
from allennlp_kd.teachers.crf_tagger_scorer import CrfTaggerScorer
from allennlp_kd.teachers.sentence import Sentence
from allennlp_kd.teachers.teacher import Teacher

SCORERS = {CrfTagger: CrfTaggerScorer}


class _Opened(NamedTuple):
    model: Model
    reader: DatasetReader
    scorer: CrfTaggerScorer


# The reader's side and the model's side of one run name the same archive, and share it.
_opened: Dict[str, _Opened] = {}


@Teacher.register("archive")
class ArchiveTeacher(Teacher):
    """Any archive of stock `crf_tagger`, with its own reader, indexers and vocabulary.

    It is opened when it is first needed. It scores in evaluation mode, without gradient, never decodes, and
    follows its inputs to their device.

    # Parameters

    archive_file : `str`
        A `model.tar.gz`, or a folder with the same files.

    # Raises

    ConfigurationError
        When opened: if the archive is missing, damaged or incomplete, its model is none that can teach, or
        a file that its configuration names is missing.
    """

    def __init__(self, archive_file: str) -> None:
        self.archive_file = str(archive_file)
        self._fingerprint: Optional[str] = None

    @property
    @overrides
    def structure(self) -> str:
        return self._open().scorer.structure

    @property
    @overrides
    def labels(self) -> List[str]:
        return self._open().scorer.labels

    @property
    def fingerprint(self) -> str:
        """A digest of all that its scores depend on; the network is not built for it."""
        if self._fingerprint is None:
            with extracted(self.archive_file) as folder:
                self._fingerprint = fingerprint(folder)
        return self._fingerprint

    def description(self) -> Dict[str, Any]:
        """What all sentences' scores have in common, as JSON values."""
        empty = self._open().scorer.shared()
        shared = {name: tensor.tolist() for name, tensor in empty.items()}
        return {"structure": self.structure, "labels": self.labels, "shared": shared}

    @overrides
    def attach(self, instances: List[Instance]) -> None:
        for instance in instances:
            sentence = Sentence.of(instance)
            field = TeacherInstanceField(self.read(sentence), len(sentence.words))
            instance.add_field(self.FIELD, OptionalField(field))

    def read(self, sentence: Sentence) -> Instance:
        """The sentence as the teacher's own reader makes it, indexed with the teacher's vocabulary."""
        opened = self._open()
        made = sentence.read_by(opened.reader)
        opened.reader.apply_token_indexers(made)
        instance = Instance({opened.scorer.text_field: made[opened.scorer.text_field]})
        instance.index_fields(opened.model.vocab)
        self._check_length(instance[opened.scorer.text_field], sentence)
        return instance

    def _check_length(self, field: TextField, sentence: Sentence) -> None:
        """A transformer that does not fold long sentences would fail with an index out of range."""
        for module in self._open().model.modules():
            if not isinstance(module, PretrainedTransformerEmbedder) or module._max_length is not None:
                continue
            limit = getattr(module.config, "max_position_embeddings", None)
            for indexed in field._indexed_tokens.values():
                pieces = len(indexed.get("token_ids", ()))
                if limit is not None and pieces > limit:
                    raise ConfigurationError(
                        f"a sentence of {len(sentence.words)} words is {pieces} word pieces long, and the "
                        f"teacher {self.archive_file} takes {limit}: '{' '.join(sentence.words[:8])} ...'. "
                        "Leave it out, or train a teacher with max_length, which folds long sentences"
                    )

    @overrides
    def potentials(self, inputs: Any):
        opened = self._open()
        opened.model.to(util.get_text_field_mask(inputs[opened.scorer.text_field]).device)
        return opened.scorer(inputs)

    def _open(self) -> _Opened:
        key = str(Path(self.archive_file).resolve())
        if key not in _opened:
            _opened[key] = self._load()
        return _opened[key]

    def _load(self) -> _Opened:
        with extracted(self.archive_file) as folder:
            # The cache of transformers does not tell two depths of one checkpoint apart.
            others = dict(cached_transformers._model_cache)
            cached_transformers._model_cache.clear()
            try:
                # To build it draws random numbers: the student's do not depend on whether it is open.
                with torch.random.fork_rng(devices=[]):
                    archive = load_archive(str(folder))
            except (OSError, RuntimeError) as error:
                raise ConfigurationError(
                    f"the teacher archive {self.archive_file} cannot be opened; a file that it names may "
                    f"be missing: {error}"
                ) from error
            finally:
                cached_transformers._model_cache.clear()
                cached_transformers._model_cache.update(others)
        for model_class, scorer in SCORERS.items():
            if isinstance(archive.model, model_class):
                archive.model.eval().requires_grad_(False)
                return _Opened(archive.model, archive.dataset_reader, scorer(archive.model))
        raise ConfigurationError(
            f"the archive {self.archive_file} holds a {type(archive.model).__name__}; a teacher must be one "
            f"of {', '.join(each.__name__ for each in SCORERS)}"
        )
