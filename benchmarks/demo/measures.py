"""What the demo's table says of an archive."""
import io
import time
import warnings
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from statistics import mean, stdev
from typing import Any, Dict, List, Optional, Sequence

BATCH_SIZE = 64


def measure(archive: Path, test: Path) -> Dict[str, Any]:
    """
    # Returns

    `Dict[str, Any]`
        `accuracy` on test, `parameters`, `words_per_second` (from words to tags, one thread, batches of 64)
        and the decoded `tags` of each sentence.
    """
    import torch

    torch.set_num_threads(1)
    loaded = _load(archive)
    model, reader = loaded.model, loaded.validation_dataset_reader
    instances = list(reader.read(str(test)))
    gold = [instance["tags"].labels for instance in instances]
    model.forward_on_instances(instances[:BATCH_SIZE])
    tags: List[List[str]] = []
    started = time.perf_counter()
    for start in range(0, len(instances), BATCH_SIZE):
        outputs = model.forward_on_instances(instances[start : start + BATCH_SIZE])
        tags.extend(output["tags"] for output in outputs)
    seconds = time.perf_counter() - started
    words = sum(map(len, gold))
    return {
        "accuracy": share_of_equal(tags, gold),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "words_per_second": words / seconds,
        "tags": tags,
    }


def tag(archive: Path, words: Sequence[str]) -> List[str]:
    from allennlp.data import Token

    loaded = _load(archive)
    reader = loaded.validation_dataset_reader
    instance = reader.text_to_instance([Token(word) for word in words])
    reader.apply_token_indexers(instance)
    return loaded.model.forward_on_instance(instance)["tags"]


def _load(archive: Path) -> Any:
    warnings.filterwarnings("ignore")
    # A plugin of AllenNLP's tries a download at each start, and says so.
    with redirect_stderr(io.StringIO()), redirect_stdout(io.StringIO()):
        from allennlp.common.plugins import import_plugins
        from allennlp.common.util import import_module_and_submodules
        from allennlp.models.archival import load_archive

        import_plugins()
        import_module_and_submodules("allennlp_kd")
    loaded = load_archive(str(archive))
    loaded.model.eval()  # which loading leaves to its caller
    return loaded


def share_of_equal(left: Sequence[Sequence[str]], right: Sequence[Sequence[str]]) -> float:
    pairs = [pair for row in zip(left, right) for pair in zip(*row)]
    return sum(one == other for one, other in pairs) / len(pairs)


def deviation_of_gap(rounds: Sequence[Dict[str, Any]]) -> Optional[float]:
    """The standard deviation of (teacher - plain) over the recorded seeds; none from fewer than two."""
    gaps = [row["teacher"] - row["plain"] for row in rounds]
    return stdev(gaps) if len(gaps) > 1 else None


def gap_recovered(
    teacher: float, plain: float, distilled: float, deviation: Optional[float]
) -> str:
    """(distilled - plain) / (teacher - plain), or `no gap` where it is within twice the deviation."""
    if deviation is None:
        return "not known: the deviation over seeds has not been measured"
    gap = teacher - plain
    if gap <= 2 * deviation:
        return f"no gap ({100 * gap:.2f} points, within twice the deviation of {100 * deviation:.2f})"
    return f"{100 * (distilled - plain) / gap:.0f} % of {100 * gap:.2f} points"


def summary(rounds: Sequence[Dict[str, Any]]) -> Dict[str, Any]:
    """Means and deviations over seeds, for the record."""
    names = ("teacher", "plain", "distilled")
    return {
        "rounds": list(rounds),
        "mean": {name: mean(row[name] for row in rounds) for name in names},
        "deviation_of_gap": deviation_of_gap(rounds),
    }
