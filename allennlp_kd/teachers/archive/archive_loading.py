"""Loads a model from an archive of unknown origin."""

from contextlib import contextmanager, nullcontext
from copy import deepcopy
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple

from allennlp.common import Params, cached_transformers
from allennlp.common.checks import ConfigurationError
from allennlp.data import DatasetReader, Vocabulary
from allennlp.models import Model
from torch import Tensor

from allennlp_kd.archives.archive_error import ArchiveError
from allennlp_kd.archives.archive_parts import archive_parts
from allennlp_kd.archives.blank_elmo import with_blank_weights
from allennlp_kd.archives.carried_files import (
    carried_configurations,
    carried_transformers,
    check_carried,
)
from allennlp_kd.archives.external_references import Remedies
from allennlp_kd.archives.extraction import extracted
from allennlp_kd.archives.members import CONFIG, VOCABULARY, WEIGHTS
from allennlp_kd.archives.model_size import check_sizes, no_larger_than
from allennlp_kd.archives.model_weights import load_weights
from allennlp_kd.archives.tensors import load_tensors
from allennlp_kd.random_states import preserved_random_states
from allennlp_kd.teachers.archive.archive_files import (
    ArchiveSource,
    absent_checkpoints,
    fingerprint,
)
from allennlp_kd.teachers.archive.external_files import external_digest
from allennlp_kd.teachers.archive.nothing_fetched import nothing_fetched
from allennlp_kd.teachers.archive.registered_types import registered_types_only
from allennlp_kd.teachers.scorers.registry import find_scorer

REMEDIES = Remedies("'transformer'", "'trust: true'", "'elmo_options'")
_MISFITS = (KeyError, TypeError, AttributeError)  # a configuration that does not fit its classes
_FAILURES = (ConfigurationError, OSError, RuntimeError, ValueError, ImportError, *_MISFITS)


class LoadedArchive(NamedTuple):
    """
    # Parameters

    model : `Model`
        In evaluation mode, without gradient.
    reader : `DatasetReader`
        The one that stock predicts and evaluates with: the `validation_dataset_reader`, where the
        configuration has one. In a distillation's archive, the student's.
    """

    model: Model
    reader: DatasetReader


def load_teacher(source: ArchiveSource) -> LoadedArchive:
    """Opens an archive without running any code in it.

    AllenNLP's `load_archive` unpacks what leads out of its folder, evaluates the configuration as
    jsonnet and unpickles the weights. Here AllenNLP gets a configuration that was read as JSON and
    checked, and weights that were read as tensors. Constant buffers that one version of
    `transformers` saves and another does not may be there or not.

    # Parameters

    source : `ArchiveSource`

    # Raises

    ConfigurationError
        If it is missing, damaged, unsafe, of another model, or does not fit together.
    """
    archive_file = source.archive_file
    with opened_files(archive_file, links=source.trust) as folder:
        names = _file_names(folder)
        parts = _parts(folder, names, source)
        for name in names if not source.trust else ():
            check_carried(name, folder / name, archive_file)
        tensors = load_tensors(folder / WEIGHTS, archive_file)
        limited = nullcontext() if source.trust else _limited(parts, tensors, folder, source)
        # Building the model draws random numbers; restore them, so that the student's do not
        # change.
        with limited, _transformers_of_its_own(), preserved_random_states():
            try:
                parts = with_blank_weights(parts, tensors, folder)
                return _build(parts, tensors, str(folder), archive_file)
            except ArchiveError as error:
                raise ConfigurationError(str(error)) from error
            except _FAILURES as error:
                if isinstance(error, ConfigurationError) and archive_file in str(error):
                    raise
                message = f"the teacher archive {archive_file} cannot be opened: {error}"
                absent = absent_checkpoints(parts)
                if absent:
                    message += f"; it names {' and '.join(absent)}, which are not folders here"
                raise ConfigurationError(message) from error


def _build(
    parts: Dict[str, Any], tensors: Dict[str, Tensor], folder: str, archive_file: str
) -> LoadedArchive:
    params = Params(deepcopy(parts))  # building an object removes its parameters
    kind = Model.by_name(params["model"].duplicate().pop("type"))
    if isinstance(kind, type):
        find_scorer(kind, archive_file)
    # AllenNLP's `predict` and `evaluate` also read with this reader.
    reader_params = params.pop("validation_dataset_reader")
    reader = DatasetReader.from_params(reader_params, serialization_dir=folder)
    vocabulary = params.pop("vocabulary", {})
    vocabulary_class, _ = Vocabulary.resolve_class_name(vocabulary.get("type", "from_instances"))
    vocab = vocabulary_class.from_files(
        str(Path(folder) / VOCABULARY), vocabulary.get("padding_token"), vocabulary.get("oov_token")
    )
    model = Model.from_params(params.pop("model"), vocab=vocab, serialization_dir=folder)
    find_scorer(type(model), archive_file)
    model.extend_embedder_vocab()
    load_weights(model, tensors, archive_file)
    return LoadedArchive(model.eval().requires_grad_(False), reader)


@contextmanager
def _limited(
    parts: Dict[str, Any],
    tensors: Dict[str, Tensor],
    folder: Path,
    source: ArchiveSource,
) -> Iterator[None]:
    """A context without imports by name, without downloads, and with a limit on the model's size.

    # Raises

    ArchiveError
        If a configuration asks for a larger model than the weights are.
    """
    where = source.archive_file
    files = {name: folder / name for name in _file_names(folder)}
    transformers = carried_configurations(files, where)
    numbers = sum(tensor.numel() for tensor in tensors.values())
    check_sizes({**parts, **transformers}, numbers, where)
    on_hub = any(given and not Path(given).exists() for given in source.given)
    network = nullcontext() if on_hub else nothing_fetched(where)
    with registered_types_only(), network, no_larger_than(numbers, where):
        yield


@contextmanager
def opened_files(archive_file: str, links: bool = False) -> Iterator[Path]:
    """A temporary folder with the archive's files, for the duration of the context.

    # Raises

    ConfigurationError
        If the archive is missing, damaged or incomplete, or has other things than plain files.
    """
    path = Path(archive_file)
    if not path.exists():
        raise ConfigurationError(f"the teacher archive {archive_file} does not exist")
    try:
        with extracted(path, links=links) as folder:
            yield folder
    except ArchiveError as error:
        raise ConfigurationError(str(error)) from error


def archive_fingerprint(source: ArchiveSource) -> str:
    """Returns a digest of all files that the scores depend on, without building or unpickling
    anything.

    # Raises

    ConfigurationError
        If the archive cannot be opened, names anything outside it without `trust`, or a file that
        it depends on is missing.
    """
    with opened_files(source.archive_file, links=source.trust) as folder:
        names = _file_names(folder)
        parts = _parts(folder, names, source)
        outside = external_digest(parts, carried_transformers(names).__contains__)
        return fingerprint(folder, outside)


def _file_names(folder: Path) -> List[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]


def _parts(folder: Path, names: List[str], source: ArchiveSource) -> Dict[str, Any]:
    content = (folder / CONFIG).read_bytes()
    try:
        return archive_parts(
            content, names, source.archive_file, REMEDIES, source.given, source.trust
        )
    except ArchiveError as error:
        raise ConfigurationError(str(error)) from error


@contextmanager
def _transformers_of_its_own() -> Iterator[None]:
    """Empties AllenNLP's cache of transformers inside the context and restores it afterward.

    It does not tell two depths of one checkpoint apart.
    """
    others = dict(cached_transformers._model_cache)
    cached_transformers._model_cache.clear()
    try:
        yield
    finally:
        cached_transformers._model_cache.clear()
        cached_transformers._model_cache.update(others)
