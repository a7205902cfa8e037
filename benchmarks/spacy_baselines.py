"""spaCy's default CNN pipelines, trained by `spacy train` on gold annotation or on a teacher's.

`gold`: all gold annotation; of the treebank, tagger and parser are trained together. `silver`: the gold
annotation of a tenth of the sentences and the teacher's annotation of the others. One JSON line a score is
added to the output. The pipelines stay in the folder `--work`; one that is there is not trained again.
"""

import argparse
import json
from pathlib import Path
from typing import Any, Dict, List

from benchmarks.accuracy import read_lines
from benchmarks.measures.packed_counts import packed
from benchmarks.significance import score

GOLD, SILVER = "gold", "silver"
FRACTION = 0.1
"""Of the sentences that keep their gold annotation in silver."""


def main(arguments: List[str]) -> None:
    """The entry point; `arguments` are the words after `python -m benchmarks spacy_baselines`."""
    from benchmarks.setups.tasks import TASKS

    parser = argparse.ArgumentParser(
        prog="python -m benchmarks spacy_baselines", description=__doc__
    )
    trained = [name for name in TASKS if name != "part_of_speech"]
    parser.add_argument("--task", choices=trained, required=True)
    parser.add_argument("--supervision", choices=(GOLD, SILVER), required=True)
    parser.add_argument("--vectors", type=Path, help="a folder that `spacy init vectors` wrote")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--max-steps", type=int, help="fewer than spaCy's default")
    parser.add_argument("--work", type=Path, required=True, help="the folder of the pipelines")
    parser.add_argument("--output", type=Path, required=True, help="the JSON lines")
    options = parser.parse_args(arguments)

    lines = baseline_lines(options)
    known = [{name: line.get(name) for name in KEYS} for line in read_lines(options.output)]
    with open(options.output, "a", encoding="utf8") as file:
        for line in lines:
            print({name: line[name] for name in (*KEYS, "dev", "test")})
            if {name: line.get(name) for name in KEYS} not in known:
                file.write(json.dumps(line) + "\n")


KEYS = ("task", "arm", "seed")


def pipeline_folder(work: Path, task: str, arm: str, seed: int) -> Path:
    """Where a baseline's pipeline is."""
    return work / f"{task}-{arm.replace(' ', '-').replace(',', '')}-{seed}"


def baseline_lines(options: argparse.Namespace) -> List[Dict[str, Any]]:
    """Trains a pipeline unless it is there; a line for each score of it."""
    import spacy

    from benchmarks.baselines.docs import annotate, gold_doc, write_docs
    from benchmarks.baselines.training import train
    from benchmarks.setups.tasks import TASKS, counts, examples

    task = TASKS[options.task]
    arm = options.supervision + (", vectors" if options.vectors else "")
    folder = pipeline_folder(options.work, options.task, arm, options.seed)
    splits = {name: examples(task.path(name)) for name in ("train", "dev", "test")}
    vocab = spacy.blank("en").vocab
    dev, train_docs = folder / "dev.spacy", folder / "train.spacy"
    if not train_docs.exists():
        write_docs(dev, (gold_doc(vocab, task, each) for each in splits["dev"]))
        if options.supervision == GOLD:
            docs = [gold_doc(vocab, task, each) for each in splits["train"]]
        else:
            docs = silver_docs(vocab, task, splits["train"])
        write_docs(train_docs, docs)
    pipeline = ["ner"]
    scored = [options.task]
    if task.component == "parser":
        # A teacher that parses has no tags to teach.
        pipeline = ["tagger", "parser"] if options.supervision == GOLD else ["parser"]
        scored = ["parsing", "part_of_speech"][: len(pipeline)]
    seconds = train(
        folder, pipeline, train_docs, dev, options.seed, options.vectors, options.max_steps
    )
    nlp = spacy.load(folder / "model-best")
    found = []
    for name in scored:
        rows = {
            split: counts(
                TASKS[name],
                annotate(nlp, TASKS[name], [each.words for each in splits[split]]),
                splits[split],
            )
            for split in ("dev", "test")
        }
        found.append(
            {
                "task": name,
                "arm": f"spaCy, {arm}",
                "seed": options.seed,
                **{split: float(score(each.sum(0))) for split, each in rows.items()},
                "cpu_seconds": seconds,
                "spacy": spacy.__version__,
                "counts": packed(rows["test"]),
            }
        )
    return found


def silver_docs(vocab: Any, task: Any, examples: List[Any]) -> List[Any]:
    """The gold annotation of a tenth of the sentences, the same that a student with a tenth has, and the
    teacher's annotation of the others."""
    import os

    from allennlp_kd.fields.sentence import Sentence
    from allennlp_kd.readers.sampling import hash_fraction
    from benchmarks.baselines.docs import gold_doc, predicted_doc
    from benchmarks.command import NoData
    from benchmarks.measures.agreement import annotate
    from spacy_bridge import load_student

    folder = os.environ.get("ALLENNLP_KD_TEACHERS")
    if not folder:
        raise NoData("set ALLENNLP_KD_TEACHERS to the folder of the teachers' archives")
    config: Dict[str, Any] = {"without_sentences": "one"} if task.component == "parser" else {}
    component = "parser" if task.component == "parser" else "tagger"
    nlp = load_student(Path(folder) / f"{task.teacher}.tar.gz", component, trust=True, **config)

    def keeps_gold(example: Any) -> bool:
        tags = None if example.universal is None else tuple(example.universal)
        return hash_fraction(Sentence(tuple(example.words), tags)) < FRACTION

    answers = iter(annotate(nlp, [each.words for each in examples if not keeps_gold(each)]))
    return [
        gold_doc(vocab, task, each)
        if keeps_gold(each)
        else predicted_doc(vocab, task, each.words, next(answers))
        for each in examples
    ]
