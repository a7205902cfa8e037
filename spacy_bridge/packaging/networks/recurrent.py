"""Builds recurrent layers. Values have time as the first axis: (length, batch, size)."""

from typing import Tuple

import numpy

from spacy_bridge.packaging.archive.options import Options
from spacy_bridge.packaging.archive.weights import Weights
from spacy_bridge.packaging.networks.graph import Graph

# The order of torch's gate blocks as indices in ONNX's order: i o f c, and z r h.
_GATES = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2)}


def torch_recurrent(
    graph: Graph, value: str, lengths: str, operator: str, options: Options, weights: Weights
) -> Tuple[str, str, int]:
    """Builds `torch.nn.LSTM` or `GRU` over sentences of these lengths.

    # Returns

    `Tuple[str, str, int]`
        The outputs (length, batch, size), zeros in padding; the last layer's final states (batch, size);
        and the size.
    """
    size = options.take("input_size")
    hidden = options.take("hidden_size")
    layers = options.take("num_layers", 1)
    bias = options.take("bias", True)
    directions = 2 if options.take("bidirectional", False) else 1
    options.ignore("dropout")
    options.refuse("stateful", False)
    options.finish()
    order = _GATES[operator]
    state = ""
    for layer in range(layers):
        parts = {"input": [], "state": [], "bias": []}
        for suffix in ("", "_reverse")[:directions]:
            for part, name, columns in (("input", "ih", size), ("state", "hh", hidden)):
                weight = weights.shaped(
                    f"weight_{name}_l{layer}{suffix}", (len(order) * hidden, columns)
                )
                parts[part].append(_reorder(weight, order))
            biases = [
                weights[f"bias_{name}_l{layer}{suffix}"]
                if bias
                else numpy.zeros(len(order) * hidden, numpy.float32)
                for name in ("ih", "hh")
            ]
            parts["bias"].append(numpy.concatenate([_reorder(part, order) for part in biases]))
        value, state = _onnx_layer(graph, value, lengths, operator, parts, hidden, directions)
        size = hidden * directions
    return value, state, size


def _reorder(weight: numpy.ndarray, order: Tuple[int, ...]) -> numpy.ndarray:
    blocks = numpy.split(weight, len(order))
    return numpy.concatenate([blocks[place] for place in order])


def _onnx_layer(
    graph: Graph, value: str, lengths: str, operator: str, parts: dict, hidden: int, directions: int
) -> Tuple[str, str]:
    inputs = [value] + [
        graph.constant(numpy.stack(parts[part]), "float32") for part in ("input", "state", "bias")
    ]
    outputs = [graph.fresh("outputs"), graph.fresh("state")]
    attributes = {"linear_before_reset": 1} if operator == "GRU" else {}
    graph.add(
        operator,
        inputs + [lengths],
        outputs=outputs,
        hidden_size=hidden,
        direction="bidirectional" if directions == 2 else "forward",
        **attributes,
    )
    # Shape: (length, directions, batch, hidden) -> (length, batch, directions * hidden)
    joined = graph.reshape(graph.transpose(outputs[0], 0, 2, 1, 3), 0, 0, -1)
    # Shape: (directions, batch, hidden) -> (batch, directions * hidden)
    return joined, graph.reshape(graph.transpose(outputs[1], 1, 0, 2), 0, -1)


def stacked_bidirectional(
    graph: Graph, value: str, lengths: str, options: Options, weights: Weights
) -> Tuple[str, int]:
    """Builds AllenNLP's `stacked_bidirectional_lstm`, with or without highways.

    # Returns

    `Tuple[str, int]`
        The outputs (length, batch, size), anything in padding; and the size.
    """
    size = options.take("input_size")
    hidden = options.take("hidden_size")
    layers = options.take("num_layers")
    highway = options.take("use_highway", True)
    options.ignore("recurrent_dropout_probability", "layer_dropout_probability")
    options.refuse("stateful", False)
    options.finish()
    gates = 5 if highway else 4
    for layer in range(layers):
        cells = [weights.below(f"{name}_layer_{layer}.cell") for name in ("forward", "backward")]
        shape = (gates * hidden + (hidden if highway else 0), size)
        inputs = [cell.shaped("input_linearity.weight", shape) for cell in cells]
        states = [cell.shaped("state_linearity.weight", (gates * hidden, hidden)) for cell in cells]
        biases = [cell.shaped("state_linearity.bias", (gates * hidden,)) for cell in cells]
        if highway:
            value = _highway_layer(graph, value, lengths, inputs, states, biases, hidden)
        else:
            order = _GATES["LSTM"]
            parts = {
                "input": [_reorder(weight, order) for weight in inputs],
                "state": [_reorder(weight, order) for weight in states],
                "bias": [
                    numpy.concatenate([numpy.zeros_like(bias), _reorder(bias, order)])
                    for bias in biases
                ],
            }
            value, _ = _onnx_layer(graph, value, lengths, "LSTM", parts, hidden, 2)
        size = 2 * hidden
    return value, size


def _highway_layer(
    graph: Graph, value: str, lengths: str, inputs: list, states: list, biases: list, hidden: int
) -> str:
    """Builds both directions of a layer in one loop; the backward direction runs over reversed
    sentences.

    Reversal is of each sentence by its own length, so padding comes last both ways and reaches no word.
    """
    long_lengths = graph.add("Cast", [lengths], to=7)  # int64
    reverse = {"batch_axis": 1, "time_axis": 0}
    backward = graph.add("ReverseSequence", [value, long_lengths], **reverse)
    # Shape: (length, 2, batch, 6 * hidden)
    projected = graph.add(
        "Concat",
        [
            graph.add("Unsqueeze", [graph.linear(way, weight), graph.integers(1)])
            for way, weight in zip((value, backward), inputs)
        ],
        axis=1,
    )
    shape = graph.add(
        "Concat", [graph.integers(2), graph.size(value, 1), graph.integers(hidden)], axis=0
    )
    # Shape: (2, batch, hidden)
    zeros = graph.add("Expand", [graph.constant(0.0, "float32"), shape])
    names = [graph.fresh(name) for name in ("state", "memory", "outputs")]
    graph.add(
        "Scan",
        [zeros, zeros, projected],
        outputs=names,
        body=_highway_step(graph, states, biases, hidden),
        num_scan_inputs=1,
    )
    ways = [graph.fresh("way"), graph.fresh("way")]
    graph.add("Split", [names[2], graph.integers(1, 1)], outputs=ways, axis=1)
    ways = [graph.add("Squeeze", [way, graph.integers(1)]) for way in ways]
    ways[1] = graph.add("ReverseSequence", [ways[1], long_lengths], **reverse)
    return graph.add("Concat", ways, axis=2)


def _highway_step(outer: Graph, states: list, biases: list, hidden: int) -> object:
    """Builds one step of `AugmentedLSTMCell`; its gates are i f c o and the highway gate."""
    # Shape: (2, hidden, 5 * hidden) and (2, 1, 5 * hidden)
    weight = outer.constant(numpy.stack([state.T for state in states]))
    bias = outer.constant(numpy.stack(biases)[:, None])
    step = Graph()
    fresh = outer.fresh
    state, memory, projected = (fresh(name) for name in ("in_state", "in_memory", "in_projected"))
    gate_inputs, highway_input = fresh("gates"), fresh("highway_input")
    step.add(
        "Split",
        [projected, outer.integers(5 * hidden, hidden)],
        outputs=[gate_inputs, highway_input],
        axis=2,
    )

    def named(operator: str, *inputs: str) -> str:
        return step.add(operator, inputs, outputs=[fresh(operator.lower())])

    moved = named("Add", named("MatMul", state, weight), bias)
    gates = [fresh("gate") for _ in range(5)]
    step.add("Split", [named("Add", gate_inputs, moved)], outputs=gates, axis=2)
    write, keep, candidate, read, highway = gates
    new_memory = named(
        "Add",
        named("Mul", named("Sigmoid", write), named("Tanh", candidate)),
        named("Mul", named("Sigmoid", keep), memory),
    )
    plain = named("Mul", named("Sigmoid", read), named("Tanh", new_memory))
    # g * plain + (1 - g) * input = input + g * (plain - input)
    gate = named("Sigmoid", highway)
    new_state = named("Add", highway_input, named("Mul", gate, named("Sub", plain, highway_input)))
    collected = named("Identity", new_state)
    return step.subgraph([state, memory, projected], [new_state, new_memory, collected])
