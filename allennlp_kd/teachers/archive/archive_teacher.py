"""A live teacher: scores sentences with a trained AllenNLP archive."""

import logging
from pathlib import Path
from typing import Any, Dict, FrozenSet, List, NamedTuple, Optional, Sequence, Tuple

import torch
from allennlp.common.checks import ConfigurationError
from allennlp.data import Batch, DatasetReader, Instance
from allennlp.data.fields import MetadataField
from allennlp.models import Model
from allennlp.models.simple_tagger import SimpleTagger
from allennlp.nn import util
from allennlp_models.structured_prediction.models.biaffine_dependency_parser import (
    BiaffineDependencyParser,
)
from allennlp_models.tagging.models.crf_tagger import CrfTagger
from overrides import overrides
from torch import Tensor

from allennlp_kd.archives.given_files import GivenFiles
from allennlp_kd.fields.optional_field import OptionalField
from allennlp_kd.fields.reader_inputs import ReaderInputs
from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.fields.teacher_instance_field import TeacherInstanceField
from allennlp_kd.modules.word_states import WordStates
from allennlp_kd.objectives.objective import Layer
from allennlp_kd.teachers.archive.archive_files import ArchiveSource
from allennlp_kd.teachers.archive.archive_loading import archive_fingerprint, load_teacher
from allennlp_kd.teachers.archive.batch_dependence import (
    padded_encoders,
    reset_encoders,
    stateful_encoders,
)
from allennlp_kd.teachers.archive.reader_needs import ReaderNeeds, reader_needs
from allennlp_kd.teachers.archive.sentence_limit import sentence_limit, word_pieces
from allennlp_kd.teachers.archive.tag_sets import check_tags
from allennlp_kd.teachers.scorers.biaffine_parser_scorer import BiaffineParserScorer
from allennlp_kd.teachers.scorers.crf_tagger_scorer import CrfTaggerScorer
from allennlp_kd.teachers.scorers.registry import ArchiveScorer, find_scorer, scored_by
from allennlp_kd.teachers.scorers.simple_tagger_scorer import SimpleTaggerScorer
from allennlp_kd.teachers.scoring_teacher import ScoringTeacher
from allennlp_kd.teachers.teacher import Teacher
from allennlp_kd.teachers.tensor_json import packed

logger = logging.getLogger(__name__)

scored_by(CrfTaggerScorer)(CrfTagger)
scored_by(SimpleTaggerScorer)(SimpleTagger)
scored_by(BiaffineParserScorer)(BiaffineDependencyParser)

# The field with the words (for errors), and the source of the teacher that indexed them. They are
# added to a model's own fields.
SENTENCE, ARCHIVE = "sentence", "archive"
FILES = ("config.json", "weights.th", "vocabulary")  # in a folder that is an archive


class _Opened(NamedTuple):
    model: Model
    reader: DatasetReader
    inputs: ReaderInputs
    needs: ReaderNeeds
    scorer: ArchiveScorer
    limit: Optional[int]
    padded: bool


# In a run, the reader and the model name the same archive, and share it.
_opened: Dict[Tuple, _Opened] = {}
_fingerprints: Dict[Tuple, str] = {}


@Teacher.register("archive")
class ArchiveTeacher(ScoringTeacher):
    """A live teacher from any archive of AllenNLP's `crf_tagger`, `simple_tagger` or
    `biaffine_parser`.

    Archives of a student or a distillation are such archives too, and so are those of a sub-class
    that overrides nothing the scores depend on, such as one with another metric. Any other class
    needs a scorer (`scored_by`).

    The archive is opened lazily. The teacher runs in evaluation mode without gradients, never
    decodes, and uses the device of its inputs.

    A parser that embeds part-of-speech tags gets those of the student's reader; other parsers
    ignore them. If an indexer reads a token attribute other than the text (`feature_name`), the
    student's tokens must have it. Other inputs that the archive's reader requires but the model
    ignores (`feature_labels`) are not needed.

    A word that the indexer splits into no pieces has the zero vector, as in AllenNLP. The state of
    encoders that keep it between batches (ELMo, or `stateful: true`) is reset before each batch.
    The output of some encoders depends on padding (`qanet_encoder`, `cnn-highway`, a
    `gated-cnn-encoder` with several convolutions per block): these cause a warning, and a store
    scores each sentence in its own batch.

    # Parameters

    archive_file : `str`
        A `model.tar.gz`, or a folder with the same files.
    cuda_device : `int`, optional
        Where to score for a store, `-1` for the CPU. By default the current GPU, where there is
        one.
    transformer : `str`, optional
        The folder (or the name on the Hugging Face Hub) of the transformer to use instead of the
        one that the archive names. An AllenNLP archive with a transformer contains its weights, but
        needs its architecture and tokenizer from outside.
    trust : `bool`, optional (default = `False`)
        Whether the archive's configuration may name anything outside the archive: files, URLs,
        models on the Hugging Face Hub, and classes by their path. For an archive of unknown origin,
        `transformer` is the safe choice.
    elmo_options : `str`, optional
        ELMo's options file, used instead of the one that the archive names. ELMo's weights are in
        the archive.
    elmo_weights : `str`, optional
        ELMo's weight file, in addition to `elmo_options`. Only a model that caches words
        (`vocab_to_cache`) needs it.

    # Raises

    ConfigurationError
        When opened: if the archive is missing, damaged, incomplete or unsafe, names
        anything outside it without `trust`, its model is none that can teach, or a file that its
        configuration names is missing.
    """

    def __init__(
        self,
        archive_file: str,
        cuda_device: Optional[int] = None,
        transformer: Optional[str] = None,
        trust: bool = False,
        elmo_options: Optional[str] = None,
        elmo_weights: Optional[str] = None,
    ) -> None:
        self.archive_file = str(archive_file)
        given = GivenFiles(transformer, elmo_options, elmo_weights)
        self._source = ArchiveSource(self.archive_file, given, trust)
        self._cuda_device = cuda_device
        self._version: Optional[Tuple] = None

    @property
    @overrides
    def name(self) -> str:
        return self.archive_file

    @property
    @overrides
    def structure(self) -> str:
        return self._open().scorer.structure

    @property
    @overrides
    def labels(self) -> List[str]:
        return self._open().scorer.labels

    @property
    def model(self) -> Model:
        """The archive's model in evaluation mode."""
        return self._open().model

    @property
    def reader(self) -> DatasetReader:
        """The archive's reader."""
        return self._open().reader

    @property
    @overrides
    def parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.model.parameters())

    @property
    @overrides
    def size(self) -> int:
        path = Path(self.archive_file)
        if path.is_file():
            return path.stat().st_size
        files = [each for name in FILES for each in (path / name, *(path / name).rglob("*"))]
        return sum(each.stat().st_size for each in files if each.is_file())

    @property
    @overrides
    def provides(self) -> FrozenSet[str]:
        return super().provides | {"hidden"}

    @property
    def device(self) -> torch.device:
        """The device for scoring if no other is requested."""
        if self._cuda_device is not None:
            return torch.device("cpu" if self._cuda_device < 0 else self._cuda_device)
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")

    @property
    @overrides
    def scores_one_by_one(self) -> bool:
        return self._open().padded

    @property
    @overrides
    def fingerprint(self) -> str:
        # This does not build the network.
        return _fingerprint_of(self._source)

    @overrides
    def description(self) -> Dict[str, Any]:
        opened = self._open()
        features = opened.needs.features
        return {
            "structure": self.structure,
            "labels": self.labels,
            "shared": {name: packed(tensor) for name, tensor in opened.scorer.shared().items()},
            "takes_tags": opened.needs.takes_tags,
            **({"features": features} if features else {}),
        }

    @overrides
    def check(self, sentences: Sequence[Sentence]) -> None:
        opened = self._open()
        opened.needs.check(sentences, self.archive_file, opened.inputs.name)

    @overrides
    def attach(self, instances: List[Instance]) -> None:
        sentences = [Sentence.of(instance) for instance in instances]
        self.check(sentences)
        for instance, sentence in zip(instances, sentences):
            field = TeacherInstanceField(self.read(sentence), len(sentence.words))
            instance.add_field(self.FIELD, OptionalField(field))

    def read(self, sentence: Sentence) -> Instance:
        """Reads a sentence with the teacher's own reader and indexes it with the teacher's
        vocabulary.
        """
        opened = self._open()
        try:
            made = opened.inputs.instance_of(sentence, needed=opened.needs.annotations)
        except ConfigurationError as error:
            raise ConfigurationError(f"the teacher {self.archive_file}: {error}") from error
        absent = [name for name in opened.scorer.fields if name not in made.fields]
        if absent:
            raise ConfigurationError(
                f"the teacher {self.archive_file} needs {', '.join(absent)}, which its reader "
                f"{opened.inputs.name} does not make from words and tags"
            )
        opened.reader.apply_token_indexers(made)
        fields = {name: made[name] for name in opened.scorer.fields}
        told = {SENTENCE: MetadataField(str(sentence)), ARCHIVE: MetadataField(self._source)}
        instance = Instance({**fields, **told})
        instance.index_fields(opened.model.vocab)
        check_tags(instance, opened.model.vocab, self.archive_file)
        if opened.limit is not None:
            pieces = word_pieces(instance[opened.scorer.fields[0]])
            if pieces > opened.limit:
                raise ConfigurationError(
                    f"a sentence of {len(sentence.words)} words is {pieces} word pieces long, but "
                    f"the teacher {self.archive_file} takes at most {opened.limit}: "
                    f"'{' '.join(sentence.words[:8])} ...'. Leave it out, or train a teacher with "
                    "max_length, which folds long sentences"
                )
        return instance

    @overrides
    def potentials(self, inputs: Any):
        """See `Teacher`.

        # Raises

        ConfigurationError
            If another teacher has read the sentences.
        ValueError
            If a score is not a number; it names the sentence.
        """
        self._check_reader(inputs.get(ARCHIVE, [None])[0])
        opened = self._open()
        device = util.get_text_field_mask(inputs[opened.scorer.fields[0]]).device
        if next(opened.model.parameters()).device != device:
            opened.model.to(device)
        reset_encoders(opened.model)
        found = opened.scorer(inputs)
        # Shape: (rows,)
        wrong = opened.scorer.have_nan(found)
        if bool(wrong.any()):
            sentence = inputs[SENTENCE][int(wrong.nonzero()[0])]
            raise ValueError(f"the scores of {self.archive_file} contain NaN for '{sentence}'")
        return found

    def _check_reader(self, source: Optional[ArchiveSource]) -> None:
        """Refuses sentences that were read for another archive; one archive may have two paths."""
        if source == self._source:
            return
        if source is not None and _fingerprint_of(source) == self.fingerprint:
            return
        other = source.archive_file if source else "a teacher of another type"
        if other == self.archive_file:
            given = ", ".join(str(name) for name in source.given if name)  # type: ignore[union-attr]
            other += f" with {given or 'the files that it names'}"
        raise ConfigurationError(
            f"{self.archive_file} cannot score sentences that were read for {other}: "
            "dataset_reader.teacher and model.teacher must be the same"
        )

    @overrides
    def score(self, sentences: List[Sentence]):
        batch = Batch([self.read(sentence) for sentence in sentences])
        return self.potentials(util.move_to_device(batch.as_tensor_dict(), self.device))

    def _states(self, layers: Sequence[Layer]) -> WordStates:
        return WordStates(self._open().model, layers, f"the teacher {self.archive_file}")

    @overrides
    def state_widths(self, layers: Sequence[Layer]) -> Dict[Layer, int]:
        return self._states(layers).widths

    @overrides
    def potentials_and_states(
        self, inputs: Any, layers: Sequence[Layer]
    ) -> Tuple[Any, Dict[Layer, Tensor]]:
        with torch.no_grad(), self._states(layers).recorded() as states:
            found = self.potentials(inputs)
        return found, states

    @overrides
    def rest(self) -> None:
        self._open().model.to("cpu")

    def _open(self) -> _Opened:
        if self._version not in _opened:
            version = self._source.version
            if version not in _opened:
                _opened[version] = self._load()
            self._version = version
        return _opened[self._version]

    def _load(self) -> _Opened:
        loaded = load_teacher(self._source)
        scorer = find_scorer(type(loaded.model), self.archive_file)(loaded.model)
        stateful, padded = stateful_encoders(loaded.model), padded_encoders(loaded.model)
        if stateful:
            logger.warning(
                "%s keeps state between batches in %s; the state is reset before each batch.",
                self.archive_file,
                ", ".join(stateful),
            )
        if padded:
            logger.warning(
                "The scores of %s depend on a batch's padding, because %s does not mask it. A "
                "store scores each sentence in its own batch; without a store, the scores change "
                "slightly with the batches.",
                self.archive_file,
                ", ".join(padded),
            )
        inputs = ReaderInputs(loaded.reader)
        needs = reader_needs(inputs, scorer.fields, scorer.takes_tags)
        limit = sentence_limit(loaded.model)
        return _Opened(loaded.model, loaded.reader, inputs, needs, scorer, limit, bool(padded))


def _fingerprint_of(source: ArchiveSource) -> str:
    version = source.version
    if version not in _fingerprints:
        _fingerprints[version] = archive_fingerprint(source)
    return _fingerprints[version]
