"""Profiles a teacher for `kd-init`: its kind, reader and labels."""

import json
import tarfile
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional

from allennlp.common import Params
from allennlp.common.checks import ConfigurationError

from allennlp_kd.teachers.teacher import Teacher

# Reader parameters that belong to the teacher and not to the corpus.
OWN = ("token_indexers", "tokenizer", "max_instances", "cache_directory")


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
    source: str, transformer: Optional[str] = None, trust: bool = False
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

    # Raises

    ConfigurationError
        If there is no such teacher, or it cannot teach.
    """
    path = Path(source)
    archive_config = _archive_config(path)
    if archive_config is not None:
        return _profile_archive(source, archive_config, transformer, trust)
    if path.is_file():
        config: Dict[str, Any] = {"type": "annotations", "files": source}
    elif (path / "resources.json").is_file():
        config = {"type": "stanza", "model": source, "processor": _stanza_processor(path)}
    elif path.is_dir() or source.count("/") == 1:
        config = {
            "type": "transformers",
            "model_name": source,
            **({"trust": True} if trust else {}),
        }
    else:
        raise ConfigurationError(
            f"{source} is not a teacher: expected an AllenNLP archive (model.tar.gz), a "
            "transformers checkpoint (a folder or a name), a Stanza model, or a file of "
            "annotations"
        )
    teacher = Teacher.from_params(Params(dict(config)))
    return TeacherProfile(
        config["type"],
        config,
        teacher.structure,
        teacher.labels,
        span_encoding(teacher.labels) if teacher.structure == "chain" else None,
        None,
        source if config["type"] == "transformers" else None,
    )


def _stanza_processor(path: Path) -> str:
    """Returns the last of Stanza's processors for which a folder has models."""
    for processor in ("depparse", "ner", "pos"):
        if any(path.glob(f"*/{processor}/*.pt")):
            return processor
    raise ConfigurationError(f"{path} has no Stanza models for ner, pos or depparse")


def _archive_config(path: Path) -> Optional[Dict[str, Any]]:
    """Returns the configuration of an AllenNLP archive, or `None` for other files."""
    try:
        if path.is_dir():
            if (path / "model.tar.gz").is_file():
                return _archive_config(path / "model.tar.gz")
            content = (path / "config.json").read_bytes()
        elif path.is_file() and tarfile.is_tarfile(path):
            with tarfile.open(path) as archive:
                for member in archive:
                    if member.isfile() and member.name.lstrip("./") == "config.json":
                        content = archive.extractfile(member).read(1 << 24)  # type: ignore[union-attr]
                        break
                else:
                    return None
        else:
            return None
        found = json.loads(content)
    except (OSError, ValueError, tarfile.TarError):
        return None
    return found if isinstance(found, dict) and "model" in found else None


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


def span_encoding(labels: List[str]) -> Optional[str]:
    """Returns the span encoding of the labels: `BIO`, `BIOUL` or `BMES`; `None` for labels without
    spans.
    """
    prefixes = {label[0] for label in labels if label[1:2] == "-"}
    rest = [label for label in labels if label[1:2] != "-"]
    if not prefixes or rest not in ([], ["O"]):
        return None
    for encoding, letters in (("BIO", "BI"), ("BIOUL", "BIUL"), ("BMES", "BMES")):
        if prefixes <= set(letters):
            return encoding
    return None
