"""Predictors for students that take words, or text that is split without a spaCy model."""

from pathlib import Path
from typing import Any, ClassVar, Dict, Optional, Tuple

import spacy
from allennlp.common.checks import ConfigurationError
from allennlp.common.util import JsonDict
from allennlp.data import DatasetReader, Instance
from allennlp.data.fields import TextField
from allennlp.models import Model
from allennlp.predictors import Predictor, SentenceTaggerPredictor
from allennlp_models.structured_prediction.predictors.biaffine_dependency_parser import (
    BiaffineDependencyParserPredictor,
)
from overrides import overrides
from spacy.language import Language
from spacy.tokens import Token as SpacyToken

from allennlp_kd.fields.reader_inputs import ReaderInputs, unwrapped
from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.teachers.archive.reader_needs import reader_needs


@Predictor.register("distillation", constructor="of_student")
class StudentPredictor(Predictor):
    """Dispatches to the predictor for the kind of student.

    AllenNLP finds the predictor by the model type in the archive's configuration, `distillation`,
    but the predictor to use depends on the student.
    """

    @classmethod
    def of_student(cls, model: Model, dataset_reader: DatasetReader, **kwargs: Any) -> Predictor:
        """
        # Parameters

        model : `Model`
            The student.
        dataset_reader : `DatasetReader`
            A `distillation` reader stands for the one that it wraps: AllenNLP's predictor of parsers
            asks it for an option.
        kwargs : `Any`
            What the student's default predictor takes.
        """
        predictor = Predictor
        if model.default_predictor is not None:
            predictor = Predictor.by_name(model.default_predictor)
        return predictor(model, unwrapped(dataset_reader), **kwargs)


class WordsPredictor(Predictor):
    """Makes instances from JSON objects: `{"sentence": "..."}` or `{"words": ["...", ...]}`.

    Text is split by the rules that spaCy has for a language, so no spaCy model is loaded or
    downloaded. `"words"` may be accompanied by `"pos"`, their part-of-speech tags.

    # Parameters

    model : `Model`
    dataset_reader : `DatasetReader`
    language : `str`, optional (default = `"en"`)
        spaCy's code of a language (`xx` is none in particular), or the name or folder of a spaCy
        pipeline that is installed, which then gives part-of-speech tags too.

    # Raises

    ConfigurationError
        While predicting: if spaCy knows no such language and has no such pipeline, or an input is
        not as above, or it lacks tags that the model looks at.
    """

    fields: ClassVar[Tuple[str, ...]]
    """The model's inputs that are made from words and tags."""

    def __init__(self, model: Model, dataset_reader: DatasetReader, language: str = "en") -> None:
        # AllenNLP's constructors load a spaCy model, and download it if it is missing.
        Predictor.__init__(self, model, dataset_reader)
        self._language = language
        self._pipeline: Optional[Language] = None
        self._inputs = ReaderInputs(dataset_reader)
        self._needs = reader_needs(self._inputs, self.fields, takes_tags=self._takes_tags)

    @property
    def _takes_tags(self) -> bool:
        return True

    @overrides
    def _json_to_instance(self, json_dict: JsonDict) -> Instance:
        sentence = self._sentence(json_dict)
        for name in self._needs.attributes:
            if not sentence.has(name):
                raise ConfigurationError(
                    f"the model reads {name} of each token, which those of '{sentence}' lack: set "
                    "the predictor's language to the name of an installed spaCy pipeline that "
                    "sets it"
                )
        return self._inputs.instance_of(sentence, needed=self._needs.annotations)

    def _sentence(self, json_dict: JsonDict) -> Sentence:
        if "words" in json_dict:
            return _given_words(json_dict)
        if not isinstance(json_dict.get("sentence"), str):
            raise ConfigurationError(
                "an input must have a 'sentence' (a string) or 'words' (a list of strings), found "
                f"{json_dict}"
            )
        if self._pipeline is None:
            self._pipeline = _pipeline(self._language)
        doc = self._pipeline(json_dict["sentence"])
        tokens = [token for token in doc if not token.is_space]
        found = Sentence.of(Instance({"tokens": TextField(tokens)}))
        tags = tuple(self._tag(token) for token in tokens)
        return Sentence(found.words, tags if any(tags) else None, found.features)

    def _tag(self, token: SpacyToken) -> str:
        specific = getattr(self._inputs.reader, "use_language_specific_pos", False)
        return token.tag_ if specific else token.pos_


@Predictor.register("tagger_student")
class TaggerStudentPredictor(WordsPredictor, SentenceTaggerPredictor):
    """Like AllenNLP's `sentence_tagger`, but takes text or words and needs no spaCy model.

    # Parameters

    model : `Model`
    dataset_reader : `DatasetReader`
    language : `str`, optional (default = `"en"`)
        As of `WordsPredictor`.
    """

    fields = ("tokens",)


@Predictor.register("parser_student")
class ParserStudentPredictor(WordsPredictor, BiaffineDependencyParserPredictor):
    """Like AllenNLP's `biaffine_dependency_parser`, but takes text or words and needs no spaCy
    model. If the student embeds part-of-speech tags, `"words"` need `"pos"`, or `language` must
    name an installed spaCy pipeline.

    # Parameters

    model : `Model`
    dataset_reader : `DatasetReader`
    language : `str`, optional (default = `"en"`)
        As of `WordsPredictor`.
    """

    fields = ("words", "pos_tags")

    @property
    @overrides
    def _takes_tags(self) -> bool:
        return getattr(self._model, "_pos_tag_embedding", None) is not None


def _given_words(json_dict: Dict[str, Any]) -> Sentence:
    """Returns the sentence of an input that has `words`."""
    words, tags = json_dict["words"], json_dict.get("pos")
    for name, values in (("words", words), ("pos", words if tags is None else tags)):
        if (
            not isinstance(values, list)
            or not values
            or not all(isinstance(v, str) for v in values)
        ):
            raise ConfigurationError(
                f"'{name}' of an input must be a list of at least one string, found {values}"
            )
    if tags is not None and len(tags) != len(words):
        raise ConfigurationError(
            f"an input must have as many 'pos' as 'words', found {len(tags)} and {len(words)}"
        )
    return Sentence(tuple(words), None if tags is None else tuple(tags))


def _pipeline(language: str) -> Language:
    if spacy.util.is_package(language) or Path(language).is_dir():
        return spacy.load(language)
    try:
        return spacy.blank(language)
    except ImportError as error:  # spaCy raises it for an unknown language
        raise ConfigurationError(
            f"spaCy has no tokenizer for the language '{language}', and no pipeline of that name "
            f"is installed: {error}"
        ) from error
