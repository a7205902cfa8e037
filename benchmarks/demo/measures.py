"""What the demo's table says of an archive."""

import io
import logging
import time
import warnings
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from statistics import mean, stdev
from typing import Any, Dict, List, Optional, Sequence

BATCH_SIZE = 64


GOLD = ("tags", "head_tags", "head_indices")


def measure(archive: Path, test: Path) -> Dict[str, Any]:
    """
    # Returns

    `Dict[str, Any]`
        `scores` on test (`accuracy`; or `UAS` and `LAS` of all words), `parameters`, `words_per_second` (from
        words to tags or trees, one thread, batches of 64) and what was `decoded` of each sentence: for each word
        its tag, or its head and label.
    """
    import torch

    torch.set_num_threads(1)
    loaded = _load(archive)
    model = loaded.model
    instances = list(loaded.validation_dataset_reader.read(str(test)))
    # As they come to be tagged or parsed: without gold.
    gold = [
        _decisions({name: i.fields.pop(name).labels for name in GOLD if name in i.fields})
        for i in instances
    ]
    model.forward_on_instances(instances[:BATCH_SIZE])
    decoded: List[List[Any]] = []
    started = time.perf_counter()
    for start in range(0, len(instances), BATCH_SIZE):
        outputs = model.forward_on_instances(instances[start : start + BATCH_SIZE])
        decoded.extend(map(_decisions, outputs))
    seconds = time.perf_counter() - started
    return {
        "scores": scores_of(decoded, gold),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "words_per_second": sum(map(len, gold)) / seconds,
        "decoded": decoded,
    }


def decode(archive: Path, words: Sequence[str]) -> List[Any]:
    """The tag of each word, or its head and label."""
    import inspect

    from allennlp.data import Token

    loaded = _load(archive)
    reader = loaded.validation_dataset_reader
    reader = getattr(reader, "wrapped", reader)
    tags = {"upos_tags": ["_"] * len(words)}
    if "upos_tags" in inspect.signature(reader.text_to_instance).parameters:
        instance = reader.text_to_instance(list(words), **tags)
    else:
        instance = reader.text_to_instance([Token(word) for word in words])
    reader.apply_token_indexers(instance)
    return _decisions(loaded.model.forward_on_instance(instance))


def _decisions(found: Dict[str, Any]) -> List[Any]:
    """For each word its tag, or its head and label, from gold fields or from a model's output."""
    if "tags" in found:
        return list(found["tags"])
    heads = found["head_indices"] if "head_indices" in found else found["predicted_heads"]
    labels = found["head_tags"] if "head_tags" in found else found["predicted_dependencies"]
    return [(int(head), label) for head, label in zip(heads, labels)]


def scores_of(decoded: Sequence[Sequence[Any]], gold: Sequence[Sequence[Any]]) -> Dict[str, float]:
    """`accuracy` of tags; of heads and labels `UAS` and `LAS`, of all words."""
    right = share_of_equal(decoded, gold)
    if not isinstance(gold[0][0], tuple):
        return {"accuracy": right}
    heads = [[[head for head, _ in row] for row in rows] for rows in (decoded, gold)]
    return {"UAS": share_of_equal(*heads), "LAS": right}


def _load(archive: Path) -> Any:
    warnings.filterwarnings("ignore")
    logger = logging.getLogger("allennlp")
    level = logger.level
    logger.setLevel(logging.ERROR)
    # A plugin of AllenNLP's tries a download at each start, and says so.
    with redirect_stderr(io.StringIO()), redirect_stdout(io.StringIO()):
        from allennlp.common.plugins import import_plugins
        from allennlp.common.util import import_module_and_submodules
        from allennlp.models.archival import load_archive

        import_plugins()
        import_module_and_submodules("allennlp_kd")
    loaded = load_archive(str(archive))
    logger.setLevel(level)
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
        return (
            f"no gap ({100 * gap:.2f} points, within twice the deviation of {100 * deviation:.2f})"
        )
    return f"{100 * (distilled - plain) / gap:.0f} % of {100 * gap:.2f} points"


def summary(rounds: Sequence[Dict[str, Any]]) -> Dict[str, Any]:
    """Means and deviations over seeds, for the record."""
    names = ("teacher", "plain", "distilled")
    return {
        "rounds": list(rounds),
        "mean": {name: mean(row[name] for row in rounds) for name in names},
        "deviation_of_gap": deviation_of_gap(rounds),
    }
