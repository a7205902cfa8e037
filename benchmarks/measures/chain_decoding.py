"""Batched Viterbi and k-best against stock's `viterbi_tags`."""

from functools import partial
from typing import Callable, Dict, List, Tuple

import torch

from allennlp_kd.structs.chain import k_best, viterbi
from benchmarks.command import Options, conditions
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


def functions(chains: List[Chain]) -> Dict[str, Callable[[], object]]:
    """What is timed, over all of these."""
    found = {
        "stock viterbi_tags": stock_viterbi,
        "viterbi": our_viterbi,
        f"stock viterbi_tags, {K} best": stock_k_best,
        f"k_best, {K} best": our_k_best,
    }
    return {name: partial(_over, function, chains) for name, function in found.items()}


def _over(function: Callable[[Chain], object], chains: List[Chain]) -> None:
    for chain in chains:
        function(chain)


def measure(report: Report, options: Options) -> None:
    """Adds the medians of one batch, and the targets."""
    for num_tags in VITERBI_BOUNDS:
        found = []
        for condition in conditions(options):
            torch.set_num_threads(condition.threads)
            generator = torch.Generator().manual_seed(options.seed)
            batches = typical_batches(1 if options.quick else 8, options.seed, condition.bucketed)
            chains = [random_chain(lengths, num_tags, generator) for lengths in batches]
            check(chains)
            timings = alternate(functions(chains), options.rounds)
            medians = [timing.median / len(chains) for timing in timings.values()]
            names = [f"{name}, {num_tags} tags" for name in timings]
            report.add(condition.label, dict(zip(names, medians)))
            found.append(medians)
        stock, ours, stock_best, our_best = found[0]
        bound = VITERBI_BOUNDS[num_tags]
        best = stock_best / our_best
        report.targets += [
            Target(f"stock / viterbi, {num_tags} tags", stock / ours, bound, True),
            Target(f"stock / {K} best, {num_tags} tags", best, K_BEST_BOUND, True),
        ]


def check(chains: List[Chain]) -> None:
    """That both sides find paths of the same scores.

    # Raises

    RuntimeError
        If they do not.
    """
    for chain in chains:
        stock = [[best] for best in stock_viterbi(chain)] + stock_k_best(chain)
        ours = [[best] for best in our_viterbi(chain)] + our_k_best(chain)
        for expected, found in zip(stock, ours):
            # Stock fills up with forbidden paths where a sentence has fewer than k.
            wrong = [
                (one, other)
                for (_, one), (_, other) in zip(expected, found)
                if other != float("-inf") and abs(one - other) > 1e-4 * max(1.0, abs(one))
            ]
            if wrong:
                raise RuntimeError(f"stock's score is {wrong[0][0]}, ours {wrong[0][1]}")
