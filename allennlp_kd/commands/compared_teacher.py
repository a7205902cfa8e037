"""The teacher that `kd-compare` and `kd-distill` compare students with."""

from pathlib import Path
from typing import Any, Dict, Optional, Union

from allennlp_kd.commands.store_parameters import store_of, trusted

CONFIGURATIONS = (".jsonnet", ".json")
OF_OTHERS = ("config.json", "resources.json")  # in folders of checkpoints and of Stanza models
WITH_A_DEVICE = ("archive", "transformers", "stanza", "annotations")


def teacher_on_cpu(config: Dict[str, Any]) -> Any:
    """A teacher that scores on the CPU, as the students that it is compared with do.

    # Parameters

    config : `Dict[str, Any]`
        The teacher's part of a configuration; an ensemble's members are moved, too.
    """
    from allennlp.common import Params

    from allennlp_kd.teachers.teacher import Teacher

    return Teacher.from_params(Params(_on_cpu(config)))


def _on_cpu(config: Dict[str, Any]) -> Dict[str, Any]:
    found = dict(config)
    if found.get("type", "archive") in WITH_A_DEVICE:
        found["cuda_device"] = -1
    if "teachers" in found:
        found["teachers"] = [_on_cpu(member) for member in found["teachers"]]
    return found


def find_teacher(
    source: str, transformer: Optional[str] = None, trust: bool = False
) -> Union[str, Any]:
    """
    # Parameters

    source : `str`
        An archive or the folder of a run; the configuration of a distillation; or any other teacher
        that `kd-init` takes.
    transformer : `str`, optional
    trust : `bool`, optional (default = `False`)
        See `kd-compare`.

    # Returns

    `Union[str, Teacher]`
        The path of an archive as it is, and any other teacher as an object.

    # Raises

    ConfigurationError
        If there is no such teacher.
    """
    from allennlp.common import Params
    from allennlp.common.checks import ConfigurationError

    from allennlp_kd.init_config.teacher_profile import other_teacher, run_configuration

    path = Path(source)
    if path.suffix in CONFIGURATIONS and path.is_file():
        given = Params.from_file(source).as_dict(quiet=True)
        teacher = store_of(given.get("dataset_reader") or {})
        if not teacher:
            raise ConfigurationError(
                f"{source} is not a configuration of a distillation: its dataset_reader has no teacher"
            )
        # Scored anew, unless the store names no teacher that could.
        config = teacher.get("teacher") or teacher
        return teacher_on_cpu(trusted(config) if trust else config)
    is_other = path.is_file() or any((path / name).is_file() for name in OF_OTHERS)
    if is_other and run_configuration(path, trust) is None:
        return teacher_on_cpu(other_teacher(source, trust))
    return source
