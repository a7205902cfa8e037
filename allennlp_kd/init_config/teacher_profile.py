"""Profiles a teacher for `kd-init`: its kind, reader and labels."""

import os
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional

from allennlp.common import Params
from allennlp.common.checks import ConfigurationError

from allennlp_kd.archives.archive_configuration import archive_configuration
from allennlp_kd.archives.archive_error import ArchiveError
from allennlp_kd.archives.members import BEST, VOCABULARY, WEIGHTS
from allennlp_kd.teachers.teacher import Teacher

# Reader parameters that belong to the teacher and not to the corpus.
OWN = ("token_indexers", "tokenizer", "max_instances", "cache_directory")
ARCHIVES = (".tar.gz", ".tgz", ".tar")
BIOUL = {"E-": "L-", "S-": "U-"}
PROCESSORS = ("ner", "pos", "depparse")
"""Those of Stanza's models that can teach."""


class TeacherProfile(NamedTuple):
    """
    # Parameters

    kind : `str`
        The registered name of the teacher: `archive`, `transformers`, `annotations`, `stanza`.
    config : `Dict[str, Any]`
        The teacher's part of a configuration.
    structure : `str`
        `chain` or `tree`.
    labels : `List[str]`
    encoding : `str`, optional
        The encoding of spans in its tags, such as `BIO`.
    reader : `Dict[str, Any]`, optional
        The part of its archive's configuration that reads its corpus, without indexers.
    transformer : `str`, optional
        The folder or the name of its transformer.
    """

    kind: str
    config: Dict[str, Any]
    structure: str
    labels: List[str]
    encoding: Optional[str]
    reader: Optional[Dict[str, Any]]
    transformer: Optional[str]


def profile_teacher(
    source: str,
    transformer: Optional[str] = None,
    trust: bool = False,
    language: str = "en",
    processor: Optional[str] = None,
) -> TeacherProfile:
    """
    # Parameters

    source : `str`
        An AllenNLP archive (or its run's folder), the folder or the name on the Hugging Face Hub of a `transformers`
        checkpoint, a folder of a Stanza model, or a file of annotations.
    transformer : `str`, optional
        The transformer to use instead of the one that an archive names.
    trust : `bool`, optional (default = `False`)
        Whether an archive may name anything outside it.
    language : `str`, optional (default = `"en"`)
        The language of Stanza's models, by its code.
    processor : `str`, optional
        Which of Stanza's models teaches: `ner`, `pos` or `depparse`. By default the only one that
        the folder has.

    # Raises

    ConfigurationError
        If there is no such teacher, or it cannot teach.
    """
    archive_config = run_configuration(Path(source), trust)
    if archive_config is not None:
        return _profile_archive(source, archive_config, transformer, trust)
    config = other_teacher(source, trust, language, processor)
    teacher = Teacher.from_params(Params(dict(config)))
    labels = teacher.labels
    if config["type"] == "transformers" and is_bioes(labels):
        # AllenNLP calls the same encoding BIOUL.
        labels = [BIOUL.get(label[:2], label[:2]) + label[2:] for label in labels]
        config["label_names"] = labels
    return TeacherProfile(
        config["type"],
        config,
        teacher.structure,
        labels,
        span_encoding(labels) if teacher.structure == "chain" else None,
        None,
        source if config["type"] == "transformers" else None,
    )


def other_teacher(
    source: str, trust: bool = False, language: str = "en", processor: Optional[str] = None
) -> Dict[str, Any]:
    """Returns the configuration of a teacher that is not an AllenNLP archive; see `profile_teacher`.

    # Raises

    ConfigurationError
        If there is no such teacher.
    """
    path = Path(source)
    if path.name.endswith(ARCHIVES) and path.is_file():
        raise ConfigurationError(
            f"{source} is not an AllenNLP archive: it has no config.json with a model"
        )
    if path.is_file():
        return {"type": "annotations", "files": source}
    if (path / "resources.json").is_file():
        found = _stanza_processor(path, language, processor)
        return {"type": "stanza", "model": source, "language": language, "processor": found}
    # The hub's names are `owner/name`.
    is_name = source.count("/") == 1 and not path.parent.exists()
    if (path / "config.json").is_file() or is_name:
        options = {"trust": True} if trust else {}
        return {"type": "transformers", "model_name": source, **options}
    raise ConfigurationError(
        f"{source} is not a teacher: expected an AllenNLP archive (model.tar.gz), a transformers "
        "checkpoint (a folder or a name), a folder of Stanza models, or a file of annotations"
    )


def _stanza_processor(path: Path, language: str, wanted: Optional[str]) -> str:
    """Returns the given processor, or the only one for which a folder has models."""
    here = [each for each in PROCESSORS if any((path / language / each).glob("*.pt"))]
    if wanted is not None:
        if wanted not in here:
            raise ConfigurationError(
                f"{path / language} has no Stanza model for {wanted}, it has models for "
                f"{', '.join(here) or 'none of ' + ', '.join(PROCESSORS)}"
            )
        return wanted
    if "depparse" in here and "ner" not in here:  # a parser needs a tagger
        return "depparse"
    if len(here) == 1:
        return here[0]
    if here:
        raise ConfigurationError(
            f"{path / language} has Stanza models for {', '.join(here)}: choose one with --processor"
        )
    languages = sorted({each.parent.parent.name for each in path.glob("*/*/*.pt")})
    raise ConfigurationError(
        f"{path} has no Stanza models for {', '.join(PROCESSORS)} in the language '{language}'; it has "
        f"the languages {', '.join(languages) or 'none'}: name one with --language"
    )


def run_configuration(path: Path, trust: bool = False) -> Optional[Dict[str, Any]]:
    """The configuration of a run or its archive; `None` if it is neither.

    # Parameters

    path : `Path`
        A file, or the folder of a run.
    trust : `bool`, optional (default = `False`)
        Whether links in a folder may lead out of it.

    # Raises

    ConfigurationError
        If it is an archive that is damaged or unsafe.
    """
    if (path / "model.tar.gz").is_file():
        path = path / "model.tar.gz"
    if not (path.is_file() or path.is_dir()):
        return None
    try:
        found = archive_configuration(path, links=trust)
    except ArchiveError as error:
        if not _looks_like_archive(path):
            return None
        raise ConfigurationError(str(error)) from error
    return found if found is not None and "model" in found else None


def _looks_like_archive(path: Path) -> bool:
    if path.is_dir():
        has_weights = any(os.path.lexists(path / name) for name in (WEIGHTS, BEST))
        return has_weights and os.path.lexists(path / VOCABULARY)
    return path.name.endswith(ARCHIVES)


def _profile_archive(
    source: str, archive_config: Dict[str, Any], transformer: Optional[str], trust: bool
) -> TeacherProfile:
    path = Path(source)
    if path.is_dir() and (path / "model.tar.gz").is_file():
        source = str(path / "model.tar.gz")
    config: Dict[str, Any] = {"type": "archive", "archive_file": source}
    if transformer is not None:
        config["transformer"] = transformer
    if trust:
        config["trust"] = True
    teacher = Teacher.from_params(Params(dict(config)))
    structure, labels = teacher.structure, teacher.labels
    reader = archive_config.get("validation_dataset_reader") or archive_config["dataset_reader"]
    while "reader" in reader and isinstance(reader["reader"], dict):
        reader = reader["reader"]
    model = archive_config["model"]
    while isinstance(model.get("student"), dict):
        model = model["student"]
    encoding = model.get("label_encoding") if structure == "chain" else None
    return TeacherProfile(
        "archive",
        config,
        structure,
        labels,
        encoding or (span_encoding(labels) if structure == "chain" else None),
        {name: value for name, value in reader.items() if name not in OWN},
        transformer or _named_transformer(archive_config),
    )


def _named_transformer(config: Any) -> Optional[str]:
    """Returns the first transformer that a configuration names."""
    if isinstance(config, dict):
        if str(config.get("type", "")).startswith("pretrained_transformer"):
            return config.get("model_name")
        config = list(config.values())
    if isinstance(config, list):
        return next(filter(None, map(_named_transformer, config)), None)
    return None


def is_bioes(labels: List[str]) -> bool:
    """Whether labels encode spans as BIOES, which has all of its four prefixes for some type."""
    prefixes = {label[0] for label in labels if label[1:2] == "-"}
    plain = all(label == "O" or label[1:2] == "-" for label in labels)
    return plain and {"E", "S"} <= prefixes <= set("BIES")


def span_encoding(labels: List[str]) -> Optional[str]:
    """Returns the span encoding of the labels: `BIO`, `IOB1`, `BIOUL` or `BMES`; `None` for others.

    A type that has I and no B can only be IOB1's.
    """
    prefixes = {label[0] for label in labels if label[1:2] == "-"}
    rest = [label for label in labels if label[1:2] != "-"]
    if not prefixes or rest not in ([], ["O"]):
        return None
    inside, begin = ({label[2:] for label in labels if label[:2] == p} for p in ("I-", "B-"))
    if prefixes <= set("BI") and inside - begin:
        return "IOB1"
    for encoding, letters in (("BIO", "BI"), ("BIOUL", "BIUL"), ("BMES", "BMES")):
        if prefixes <= set(letters):
            return encoding
    return None
