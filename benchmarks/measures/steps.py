"""Training steps as AllenNLP's trainer takes them."""

from contextlib import nullcontext
from typing import Callable, ContextManager, List, Optional

from allennlp.models import Model

from benchmarks.setups.students import Batch, Setup


def step(model: Model, inputs: Batch, autocast: Optional[ContextManager] = None) -> None:
    """Forward, backward and metrics, as AllenNLP's trainer calls them; no optimizer.

    `autocast` is entered for the forward pass.
    """
    for parameter in model.parameters():
        parameter.grad = None
    with autocast or nullcontext():
        loss = model(**inputs)["loss"]
    loss.backward()
    model.get_metrics()


def whole(setup: Setup, name: str, batches: List[Batch]) -> Callable[[], None]:
    """All of the step, over all batches."""
    model = setup.models()[name]
    inputs = [setup.inputs(name, batch) for batch in batches]

    def run() -> None:
        for batch in inputs:
            step(model, batch)

    return run


def loading(setup: Setup) -> Callable[[], None]:
    """An epoch's batches, made and dropped; the instances are in memory already."""

    def run() -> None:
        for _ in setup.loader:
            pass

    return run
