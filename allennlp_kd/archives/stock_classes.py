"""AllenNLP classes that a configuration may give by their path, and their registered names."""

from typing import Any, Dict

_PACKAGES = ("allennlp", "allennlp_models", "allennlp_kd")

REGISTERED = {
    "CrfTagger": "crf_tagger",
    "SimpleTagger": "simple_tagger",
    "BiaffineDependencyParser": "biaffine_parser",
    "CrfTaggerStudent": "crf_tagger_student",
    "SimpleTaggerStudent": "simple_tagger_student",
    "BiaffineParserStudent": "biaffine_parser_student",
    "SequenceTaggingDatasetReader": "sequence_tagging",
    "Conll2000DatasetReader": "conll2000",
    "Conll2003DatasetReader": "conll2003",
    "OntonotesNamedEntityRecognition": "ontonotes_ner",
    "CcgBankDatasetReader": "ccgbank",
    "UniversalDependenciesDatasetReader": "universal_dependencies",
}
"""The models that can teach, and their AllenNLP readers."""


def with_registered_type(config: Dict[str, Any]) -> Dict[str, Any]:
    """Replaces the class path in a model's or reader's configuration by the registered name.

    Nothing is imported for it: `allennlp_models.tagging.models.crf_tagger.CrfTagger` is the class that
    is registered as `crf_tagger`, in whichever module a version of AllenNLP has it.
    """
    path = config.get("type")
    if not isinstance(path, str) or path.split(".")[0] not in _PACKAGES:
        return config
    name = path.split(".")[-1]
    return {**config, "type": REGISTERED[name]} if name in REGISTERED else config
