"""Builds transformers similar to BERT as a graph without padding.

BERT, RoBERTa, XLM-RoBERTa, ELECTRA and DistilBERT differ in the names of their weights and in how positions
are counted; the layers are the same. All word pieces of a batch stand in one row after another, so matrix
products see no padding. Only attention is computed on a padded batch.
"""

from typing import Any, Callable, List, Mapping, NamedTuple, Optional

import numpy

from spacy_bridge.packaging.networks.activations import activate
from spacy_bridge.packaging.networks.graph import Graph

LOWEST = -1e9
"""Added to scores in padding."""

Weight = Callable[[str], numpy.ndarray]


class Names(NamedTuple):
    """The names of a layer's weights, without `.weight` and `.bias`."""

    layer: str
    query: str
    key: str
    value: str
    attention: str
    attention_norm: str
    inner: str
    outer: str
    norm: str


BERT = Names(
    layer="encoder.layer",
    query="attention.self.query",
    key="attention.self.key",
    value="attention.self.value",
    attention="attention.output.dense",
    attention_norm="attention.output.LayerNorm",
    inner="intermediate.dense",
    outer="output.dense",
    norm="output.LayerNorm",
)
DISTILBERT = Names(
    layer="transformer.layer",
    query="attention.q_lin",
    key="attention.k_lin",
    value="attention.v_lin",
    attention="attention.out_lin",
    attention_norm="sa_layer_norm",
    inner="ffn.lin1",
    outer="ffn.lin2",
    norm="output_layer_norm",
)
NAMES = {
    "bert": BERT,
    "roberta": BERT,
    "xlm-roberta": BERT,
    "electra": BERT,
    "distilbert": DISTILBERT,
}
PIECE_TABLE = "embeddings.word_embeddings.weight"
COUNTED_FROM_PADDING = ("roberta", "xlm-roberta")


def is_supported(config: Any) -> bool:
    """Whether `layers_graph` can build a transformer with this configuration.

    # Parameters

    config : `transformers.PretrainedConfig`
    """
    activation = getattr(config, "hidden_act", None) or getattr(config, "activation", None)
    return (
        config.model_type in NAMES
        and activation == "gelu"
        and getattr(config, "position_embedding_type", "absolute") == "absolute"
        and not getattr(config, "is_decoder", False)
        and not getattr(config, "sinusoidal_pos_embds", False)
    )


def skipped_piece(config: Any) -> Optional[int]:
    """The piece without a position, if positions count from 1; `None` if they count from 0.

    In RoBERTa, the row of a piece's position is the number of the padding piece plus the count of the pieces
    up to it that are not padding pieces.
    """
    return int(config.pad_token_id) if config.model_type in COUNTED_FROM_PADDING else None


def layers_graph(
    config: Any, state: Mapping[str, numpy.ndarray], mix: Optional[List[float]] = None
) -> bytes:
    """Builds the graph of a transformer.

    # Parameters

    config : `transformers.PretrainedConfig`
        One that `is_supported`.
    state : `Mapping[str, numpy.ndarray]`
        The weights, by the names that `transformers` gives them.
    mix : `List[float]`, optional
        The weights of the layers' outputs in the result; by default only the last layer.

    # Returns

    `bytes`
        From `pieces` and `positions` (pieces,), `slots` (segments, length), `counts` (segments,) and
        `places` (pieces,) to `vectors` (pieces, size). `slots[s, i]` is the row of piece `i` of segment `s`
        (0 in padding), `counts[s]` its number of pieces , `places[p]` the place of piece `p` among
        all cells of the padded batch.
    """
    names = NAMES[config.model_type]
    epsilon = float(getattr(config, "layer_norm_eps", 1e-12))
    graph = Graph()
    pieces = graph.input("pieces", "int64", ["pieces"])
    positions = graph.input("positions", "int64", ["pieces"])
    slots = graph.input("slots", "int64", ["segments", "length"])
    counts = graph.input("counts", "int64", ["segments"])
    places = graph.input("places", "int64", ["pieces"])
    attention = _Attention(graph, slots, counts, places, _heads(config))
    value = _embed(graph, state, pieces, positions, skipped_piece(config) or 0, epsilon)
    depth = sum(f"{names.layer}.{layer}.{names.norm}.weight" in state for layer in range(1000))
    outputs = []
    for layer in range(depth):
        prefix = f"{names.layer}.{layer}."
        value = _layer(graph, _below(state, prefix), names, value, attention, epsilon)
        outputs.append(value)
    if mix is not None:
        weighted = [
            graph.add("Mul", [output, graph.constant(weight, "float32")])
            for output, weight in zip(outputs, mix)
        ]
        value = weighted[0]
        for other in weighted[1:]:
            value = graph.add("Add", [value, other])
    graph.output(
        value, "vectors", ["pieces", state[f"{names.layer}.0.{names.norm}.weight"].shape[0]]
    )
    return graph.finish()


def _heads(config: Any) -> int:
    return int(getattr(config, "num_attention_heads", None) or config.n_heads)


def _below(state: Mapping[str, numpy.ndarray], prefix: str) -> Weight:
    return lambda name: state[prefix + name]


def _embed(
    graph: Graph,
    state: Mapping[str, numpy.ndarray],
    pieces: str,
    positions: str,
    first_position: int,
    epsilon: float,
) -> str:
    part = _below(state, "embeddings.")
    position_table = part("position_embeddings.weight")[first_position:]
    if "embeddings.token_type_embeddings.weight" in state:
        # All pieces have the first token type.
        position_table = position_table + part("token_type_embeddings.weight")[0]
    value = graph.add("Gather", [graph.constant(state[PIECE_TABLE]), pieces], axis=0)
    place = graph.add("Gather", [graph.constant(position_table), positions], axis=0)
    value = _norm(graph, part, "LayerNorm", value, place, epsilon)
    if "embeddings_project.weight" in state:
        value = graph.linear(
            value, state["embeddings_project.weight"], state["embeddings_project.bias"]
        )
    return value


def _norm(graph: Graph, part: Weight, name: str, value: str, skip: str, epsilon: float) -> str:
    """Builds layer normalization of `value + skip`.

    ONNX Runtime's fused operator for both is nine times slower than the two, on two-dimensional values.
    """
    total = graph.add("Add", [value, skip])
    return graph.layer_norm(total, part(f"{name}.weight"), part(f"{name}.bias"), epsilon)


def _layer(
    graph: Graph,
    part: Weight,
    names: Names,
    value: str,
    attention: "_Attention",
    epsilon: float,
) -> str:
    size = part(f"{names.query}.bias").shape[0]
    # Dividing the scores by the square root of a head's size is folded into the query weights.
    scale = numpy.float32((size // attention.heads) ** -0.5)
    ways = ((names.query, scale), (names.key, 1), (names.value, 1))
    projected = graph.linear(
        value,
        numpy.concatenate([part(f"{way}.weight") * factor for way, factor in ways]),
        numpy.concatenate([part(f"{way}.bias") * factor for way, factor in ways]),
    )
    mixed = attention(projected, size)
    attended = graph.linear(
        mixed, part(f"{names.attention}.weight"), part(f"{names.attention}.bias")
    )
    value = _norm(graph, part, names.attention_norm, attended, value, epsilon)
    inner = graph.linear(value, part(f"{names.inner}.weight"), part(f"{names.inner}.bias"))
    inner = activate(graph, inner, "gelu")
    outer = graph.linear(inner, part(f"{names.outer}.weight"), part(f"{names.outer}.bias"))
    return _norm(graph, part, names.norm, outer, value, epsilon)


class _Attention:
    """Self-attention within each segment.

    Heads are small, so each is one row of a table: looking the rows up pads the segments and puts heads
    before places in one step, without a transposition.
    """

    def __init__(self, graph: Graph, slots: str, counts: str, places: str, heads: int) -> None:
        self._graph, self.heads = graph, heads
        self._penalties = _penalties(graph, slots, counts)
        head = graph.constant(numpy.arange(heads)[:, None])
        rows = graph.add("Mul", [graph.add("Unsqueeze", [slots, graph.integers(1)]),
                                 graph.integers(3 * heads)])  # fmt: skip
        # Shape: (segments, heads, length): the row indices of queries, keys and values
        self._rows = [
            graph.add("Add", [graph.add("Add", [rows, head]), graph.integers(way * heads)])
            for way in range(3)
        ]
        # A position is segment * length + i; its head h is at (segment * heads + h) * length + i.
        length = graph.size(slots, 1)
        segment = graph.add("Div", [places, length])
        more = graph.add("Mul", [graph.add("Mul", [segment, length]), graph.integers(heads - 1)])
        first = graph.add("Unsqueeze", [graph.add("Add", [places, more]), graph.integers(1)])
        across = graph.add("Mul", [graph.constant(numpy.arange(heads)[None]), length])
        # Shape: (pieces, heads)
        self._back = graph.add("Add", [first, across])

    def __call__(self, projected: str, size: int) -> str:
        """Maps queries, keys and values side by side (pieces, 3 * size) to (pieces, size)."""
        graph, width = self._graph, size // self.heads
        table = graph.reshape(projected, -1, width)
        # Shape: (segments, heads, length, width)
        queries, keys, values = (graph.add("Gather", [table, rows], axis=0) for rows in self._rows)
        scores = graph.add("MatMul", [queries, graph.transpose(keys, 0, 1, 3, 2)])
        weights = graph.add("Softmax", [graph.add("Add", [scores, self._penalties])], axis=-1)
        mixed = graph.reshape(graph.add("MatMul", [weights, values]), -1, width)
        return graph.reshape(graph.add("Gather", [mixed, self._back], axis=0), -1, size)


def _penalties(graph: Graph, slots: str, counts: str) -> str:
    """Returns the values added to the scores of padding: shape (segments, 1, 1, length)."""
    length = graph.add("Squeeze", [graph.size(slots, 1), graph.integers(0)])
    bounds = [graph.constant(bound, "int64") for bound in (0, 1)]
    place = graph.add("Range", [bounds[0], length, bounds[1]])
    real = graph.add("Less", [place, graph.add("Unsqueeze", [counts, graph.integers(1)])])
    choices = [graph.constant(choice, "float32") for choice in (0.0, LOWEST)]
    return graph.add("Unsqueeze", [graph.add("Where", [real, *choices]), graph.integers(1, 2)])
