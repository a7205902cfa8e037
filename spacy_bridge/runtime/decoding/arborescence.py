"""The maximum spanning arborescence in NumPy, equal to `allennlp_kd.structs.tree`."""

from typing import List, Tuple

import numpy

ROOT_PRICES = (3.0, 12.0)
"""The first penalty on arcs from ROOT, in nats."""


def best_heads(scores: numpy.ndarray, single_root: bool = True) -> numpy.ndarray:
    """Returns the heads of the highest-scoring tree.

    # Parameters

    scores : `numpy.ndarray`
        Shape `(words, words + 1)`, finite, indexed `[dependent, head]` with ROOT as head 0. The diagonal
        (word d with head d + 1) is not read.
    single_root : `bool`, optional (default = `True`)
        Whether exactly one word may hang from ROOT.

    # Returns

    `numpy.ndarray`
        Shape `(words,)`.
    """
    words = len(scores)
    # Node 0 is ROOT, which has no head. Shape: (nodes, nodes)
    weights = numpy.full((words + 1, words + 1), -numpy.inf)
    weights[1:] = scores
    numpy.fill_diagonal(weights, -numpy.inf)
    heads = _solve(weights.copy())[1:]
    if not single_root or numpy.count_nonzero(heads == 0) <= 1:
        return heads
    # Each arc from ROOT gets a penalty. If the best tree at any penalty has a single root word, it
    # is the best of all such trees. A high penalty always leads to one, a low one is faster: the
    # last penalty is larger than any possible gain.
    finite = weights[1:][numpy.isfinite(weights[1:])]
    last = (finite.max() - finite.min()) * words + 1.0
    for price in (*(price for price in ROOT_PRICES if price < last), last):
        priced = weights.copy()
        priced[:, 0] -= price
        heads = _solve(priced)[1:]
        if numpy.count_nonzero(heads == 0) == 1:
            break
    return heads


def _solve(weights: numpy.ndarray) -> numpy.ndarray:
    """The Chu-Liu-Edmonds algorithm: contract a cycle of best heads, solve the rest, expand the
    cycle.

    The way up from a node is followed until it meets ROOT, a node that is known to reach ROOT, or itself:
    a cycle, which becomes one node, from where the way goes on. No node is visited again.
    """
    heads = weights.argmax(axis=1).tolist()
    heads[0] = 0
    state = [_NEW] * len(heads)
    state[0] = _SAFE
    opened: List[Tuple[List[int], List[int], List[int], List[int]]] = []
    for start in range(1, len(heads)):
        if state[start] != _NEW:
            continue
        path = [start]
        state[start] = _ON_PATH
        while True:
            above = heads[path[-1]]
            if state[above] == _SAFE:
                break
            if state[above] == _NEW:
                path.append(above)
                state[above] = _ON_PATH
                continue
            first = path.index(above)
            cycle = path[first:]
            del path[first + 1 :]
            opened.append(_contract(weights, heads, cycle))
            for node in cycle[1:]:
                state[node] = _CONTRACTED
        for node in path:
            state[node] = _SAFE
    for cycle, inner, entry, leaving in reversed(opened):
        node = cycle[0]
        outside = heads[node]
        for below, head in enumerate(heads):
            if head == node and state[below] != _CONTRACTED:
                heads[below] = leaving[below]
        for part, head in zip(cycle, inner):
            heads[part] = head
            state[part] = _SAFE
        heads[entry[outside]] = outside
    return numpy.array(heads)


_NEW, _ON_PATH, _SAFE, _CONTRACTED = range(4)


def _contract(
    weights: numpy.ndarray, heads: List[int], cycle: List[int]
) -> Tuple[List[int], List[int], List[int], List[int]]:
    """Contracts a cycle into its first node.

    # Returns

    `Tuple[List[int], List[int], List[int], List[int]]`
        The cycle and its heads; the node of it that gets its head from outside, by that head; and the node
        of it that is the head of a node outside, by that node.
    """
    node, rest = cycle[0], cycle[1:]
    inner = [heads[part] for part in cycle]
    # The gain of an arc from outside into the cycle over the arc that it replaces.
    gains = weights[cycle]
    gains -= weights[cycle, inner][:, None]
    out = weights[:, cycle]
    nodes = numpy.array(cycle)
    found = cycle, inner, nodes[gains.argmax(0)].tolist(), nodes[out.argmax(1)].tolist()
    weights[node], weights[:, node] = gains.max(0), out.max(1)
    weights[node, cycle] = -numpy.inf
    weights[rest] = -numpy.inf
    weights[:, rest] = -numpy.inf
    contracted = set(rest)
    for below, head in enumerate(heads):
        if head in contracted:
            heads[below] = node
    heads[node] = int(weights[node].argmax())
    return found


def are_single_rooted_trees(heads: numpy.ndarray, lengths: numpy.ndarray) -> numpy.ndarray:
    """Marks the rows that are trees with one word under ROOT.

    # Parameters

    heads : `numpy.ndarray`
        Shape `(batch, words)`, 0 for ROOT; what stands in padding is not read.
    lengths : `numpy.ndarray`
        Shape `(batch,)`.

    # Returns

    `numpy.ndarray`
        Shape `(batch,)`, boolean.
    """
    batch, words = heads.shape
    real = numpy.arange(words) < lengths[:, None]
    # Shape: (batch, nodes); ROOT is its own head
    up = numpy.zeros((batch, words + 1), numpy.int64)
    up[:, 1:] = numpy.where(real, heads, 0)
    roots = ((up[:, 1:] == 0) & real).sum(axis=1)
    for _ in range(max(1, int(words).bit_length())):
        up = numpy.take_along_axis(up, up, axis=1)  # twice as many steps up as before
    return (roots == 1) & (up == 0).all(axis=1)
