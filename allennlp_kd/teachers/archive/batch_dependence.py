"""Finds encoders whose output for a sentence depends on other sentences or earlier batches."""

from typing import List

from allennlp.models import Model
from allennlp.modules.encoder_base import _EncoderBase
from torch.nn import Module

# Identified by class name, because some packages may not be installed.
READ_PADDING = ("QaNetEncoder", "QaNetEncoderBlock", "CnnHighwayEncoder")


def stateful_encoders(model: Model) -> List[str]:
    """Returns the names and classes of the encoders that keep state between batches.

    These are ELMo's, and any recurrent encoder with `stateful: true`.
    """
    return [
        f"{name} ({type(module).__name__})"
        for name, module in model.named_modules()
        if isinstance(module, _EncoderBase) and module.stateful
    ]


def reset_encoders(model: Model) -> None:
    """Resets the state of stateful encoders."""
    for module in model.modules():
        if isinstance(module, _EncoderBase) and module.stateful:
            module.reset_states()


def padded_encoders(model: Model) -> List[str]:
    """Returns the names and classes of the encoders whose output depends on padding."""
    return [
        f"{name} ({type(module).__name__})"
        for name, module in model.named_modules()
        if _reads_padding(module)
    ]


def _reads_padding(module: Module) -> bool:
    names = {each.__name__ for each in type(module).__mro__}
    if "GatedCnnEncoder" in names:
        # It masks a block's input, but not the output of the convolutions inside a block.
        blocks = [*module._forward_residual_blocks, *module._backward_residual_blocks]
        return any(len(block._convolutions) > 1 for block in blocks)
    return not names.isdisjoint(READ_PADDING)
