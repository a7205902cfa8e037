"""Encoders whose output for a sentence depends on the other sentences, or on earlier ones."""

from typing import List

from allennlp.models import Model
from allennlp.modules.encoder_base import _EncoderBase
from torch.nn import Module

# By the names of their classes: some are in packages that need not be installed.
READ_PADDING = ("QaNetEncoder", "QaNetEncoderBlock", "CnnHighwayEncoder")


def stateful_encoders(model: Model) -> List[str]:
    """The names and classes of the encoders that keep their state between batches.

    These are ELMo's, and any recurrent encoder with `stateful: true`.
    """
    return [
        f"{name} ({type(module).__name__})"
        for name, module in model.named_modules()
        if isinstance(module, _EncoderBase) and module.stateful
    ]


def reset_encoders(model: Model) -> None:
    """Makes stateful encoders forget the batches that they have seen."""
    for module in model.modules():
        if isinstance(module, _EncoderBase) and module.stateful:
            module.reset_states()


def padded_encoders(model: Model) -> List[str]:
    """The names and classes of the encoders that compute with what pads a sentence or a word."""
    return [
        f"{name} ({type(module).__name__})"
        for name, module in model.named_modules()
        if _reads_padding(module)
    ]


def _reads_padding(module: Module) -> bool:
    names = {each.__name__ for each in type(module).__mro__}
    if "GatedCnnEncoder" in names:
        # It masks what goes into a block, and not what passes between a block's convolutions.
        blocks = [*module._forward_residual_blocks, *module._backward_residual_blocks]
        return any(len(block._convolutions) > 1 for block in blocks)
    return not names.isdisjoint(READ_PADDING)
