"""Sentences a second of the commands that go over a corpus, by the number of workers."""

import json
import tempfile
import time
from pathlib import Path
from typing import Callable, Dict

from allennlp_kd.commands.shard_scorer import ShardScorer
from benchmarks.command import Options
from benchmarks.report import Report
from benchmarks.setups.made_up import sentences, write_treebank
from benchmarks.setups.students import build
from benchmarks.setups.tagger import tagger
from spacy_bridge.corpus.engine import run
from spacy_bridge.corpus.planning import plan

LENGTH, TAGS, SHARD = 25, 17, 256
SHARDS = 8


def measure(report: Report, options: Options) -> None:
    """Adds the speeds; start-up is left out by a first run over some shards."""
    from distributed import LocalCluster

    from spacy_bridge import load_student
    from spacy_bridge.corpus.annotator import Annotator
    from spacy_bridge.corpus.pipeline_digest import pipeline_digest

    shard, shards = (8, 3) if options.quick else (SHARD, SHARDS)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        data = folder / "made-up.conllu"
        write_treebank(data, options.seed, 64, LENGTH, TAGS)
        recipe = tagger("xpos", hidden_size=8 if options.quick else 200)
        build(recipe, data, folder, options.seed, warm_up=1, num_batches=1)
        archive = str(folder / "teacher.tar.gz")
        load_student(archive, "tagger", threads=1, sentences="none").to_disk(folder / "nlp")
        digest = pipeline_digest(str(folder / "nlp"))
        corpora = {}
        for name, count, seed in (("first", 4 * shard, 1), ("corpus", shards * shard, 2)):
            corpora[name] = folder / f"{name}.txt"
            lines = [" ".join(words) + "\n" for words in sentences(seed, count, LENGTH)]
            corpora[name].write_text("".join(lines), encoding="utf-8")

        def scorer(workers: int) -> Callable:
            teacher = {
                "type": "store",
                "directory": str(folder / f"store-{workers}"),
                "teacher": {"type": "archive", "archive_file": archive, "cuda_device": -1},
            }
            task = ShardScorer(json.dumps(teacher))
            task.open()
            return task

        def annotator(workers: int) -> Callable:
            output = folder / f"out-{workers}"
            output.mkdir()
            return Annotator(str(folder / "nlp"), digest, str(output), "spacy")

        for workers in (1, 2):
            speeds: Dict[str, float] = {}
            with LocalCluster(
                n_workers=workers, threads_per_worker=1, memory_limit=None, dashboard_address=":0"
            ) as cluster:
                for name, make in (("kd-score-corpus", scorer), ("annotate", annotator)):
                    task = make(workers)
                    for path in corpora.values():
                        pieces = list(plan([str(path)], sentences=shard))
                        started = time.perf_counter()
                        done = list(run(task, pieces, scheduler=cluster.scheduler_address))
                        seconds = time.perf_counter() - started
                        assert all(result.made for result in done)
                    speeds[f"{name}: sentences/s"] = shard * shards / seconds
            report.add(f"{workers} worker" + "s" * (workers > 1), speeds)
    report.notes["workers"] = {"words": LENGTH, "shard": shard, "shards": shards}
