"""Batched Viterbi and k-best against stock's `viterbi_tags`."""

from typing import List, Tuple

import torch

from allennlp_kd.structs.chain import k_best, viterbi
from benchmarks.command import Options
from benchmarks.report import Report, Target
from benchmarks.rounds import alternate
from benchmarks.setups.chains import Chain, random_chain
from benchmarks.setups.treebank import typical_batches

VITERBI_BOUNDS = {9: 12.0, 17: 12.0, 50: 8.0}
K = 5
K_BEST_BOUND = 5.0


def stock_viterbi(chain: Chain) -> List[Tuple[List[int], float]]:
    """The best tags of each sentence and their score."""
    return chain.crf.viterbi_tags(chain.emissions, chain.mask)


def our_viterbi(chain: Chain) -> List[Tuple[List[int], float]]:
    """The same, as the same lists."""
    tags, scores = viterbi(chain.potentials().detach())
    lengths = chain.mask.sum(dim=1).tolist()
    return [
        (row[:length], value) for row, length, value in zip(tags.tolist(), lengths, scores.tolist())
    ]


def stock_k_best(chain: Chain) -> List[List[Tuple[List[int], float]]]:
    """The k best."""
    return chain.crf.viterbi_tags(chain.emissions, chain.mask, top_k=K)


def our_k_best(chain: Chain) -> List[List[Tuple[List[int], float]]]:
    """The same, as the same lists."""
    tags, scores = k_best(chain.potentials().detach(), K)
    lengths = chain.mask.sum(dim=1).tolist()
    return [
        [(path[:length], value) for path, value in zip(*row)]
        for row, length in zip(zip(tags.tolist(), scores.tolist()), lengths)
    ]


def measure(report: Report, options: Options) -> None:
    """Adds the medians of one batch, and the targets."""
    generator = torch.Generator().manual_seed(options.seed)
    batches = typical_batches(1 if options.quick else 4)
    for num_tags in VITERBI_BOUNDS:
        chains = [random_chain(lengths, num_tags, generator) for lengths in batches]
        for chain in chains:
            for (_, expected), (_, found) in zip(stock_viterbi(chain), our_viterbi(chain)):
                if abs(expected - found) > 1e-4 * abs(expected):
                    raise RuntimeError(f"stock's best score is {expected}, ours {found}")
        functions = {
            f"{name}, {num_tags} tags": lambda function=function: [
                function(chain) for chain in chains
            ]
            for name, function in (
                ("stock viterbi_tags", stock_viterbi),
                ("viterbi", our_viterbi),
                (f"stock viterbi_tags, {K} best", stock_k_best),
                (f"k_best, {K} best", our_k_best),
            )
        }
        for threads in options.threads:
            torch.set_num_threads(threads)
            timings = alternate(functions, options.rounds)
            medians = [timing.median / len(batches) for timing in timings.values()]
            report.add(f"s, {threads} threads", dict(zip(timings, medians)))
            if threads == options.threads[0]:
                speed_ups = [medians[0] / medians[1], medians[2] / medians[3]]
        report.targets += [
            Target(
                f"viterbi_tags / viterbi, {num_tags} tags",
                speed_ups[0],
                VITERBI_BOUNDS[num_tags],
                True,
            ),
            Target(
                f"viterbi_tags / k_best, {K} best, {num_tags} tags",
                speed_ups[1],
                K_BEST_BOUND,
                True,
            ),
        ]
