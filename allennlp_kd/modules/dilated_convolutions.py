"""The sequence encoder `dilated_convolutions`: residual convolutions over words."""

from typing import List, Optional

import torch
from allennlp.common.checks import ConfigurationError
from allennlp.modules import Seq2SeqEncoder
from torch import Tensor
from torch.nn import GLU, LayerNorm, Linear, ModuleList, functional as F

from allennlp_kd.modules.maxout import Maxout

ACTIVATIONS = ("maxout", "glu")


@Seq2SeqEncoder.register("dilated_convolutions")
class DilatedConvolutions(Seq2SeqEncoder):
    """Residual convolutions of width 3 with dilations, for students that train and run fast on a CPU.

    A layer with dilation d computes, for the vectors x of a sentence,

        x[i] + dropout(layer_norm(activation(weight @ [x[i-d], x[i], x[i+d]] + bias)))

    where words outside the sentence are zeros. Each word sees `sum(dilations)` words on each side.
    There is no recurrence, and the output does not depend on padding, because it is masked before
    each convolution. In padding the output is zero.

    If `input_dim` differs from `hidden_dim`, a linear map precedes the layers. It combines several
    embedders, such as `hashed_embedding` and word vectors.

    # Parameters

    input_dim : `int`
        The width of the words' vectors.
    hidden_dim : `int`, optional
        The width of the layers and of the output. The default is `input_dim`.
    dilations : `List[int]`, optional (default = `[1, 1, 2, 4]`)
        One for each layer.
    activation : `str`, optional (default = `"maxout"`)
        `maxout`: the maximum of `pieces` linear maps. `glu`: a linear map times the sigmoid of
        another one (a gated convolution).
    pieces : `int`, optional (default = `2`)
        The number of linear maps in `maxout`; `glu` always has two.
    dropout : `float`, optional (default = `0.0`)
        The dropout on the output of each layer, before it is added.

    # Raises

    ConfigurationError
        If an option is out of its range.
    """

    def __init__(
        self,
        input_dim: int,
        hidden_dim: Optional[int] = None,
        dilations: Optional[List[int]] = None,
        activation: str = "maxout",
        pieces: int = 2,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self._input_dim = input_dim
        self._hidden_dim = input_dim if hidden_dim is None else hidden_dim
        self._dilations = [1, 1, 2, 4] if dilations is None else list(dilations)
        if self._input_dim < 1 or self._hidden_dim < 1:
            raise ConfigurationError(
                "input_dim and hidden_dim of dilated_convolutions must be at least 1, found "
                f"{input_dim} and {hidden_dim}"
            )
        if not self._dilations or min(self._dilations) < 1:
            raise ConfigurationError(
                "dilations of dilated_convolutions must be one or more numbers of at least 1, found "
                f"{self._dilations}"
            )
        if activation not in ACTIVATIONS:
            raise ConfigurationError(
                f"activation of dilated_convolutions must be one of {', '.join(ACTIVATIONS)}, found "
                f"'{activation}'"
            )
        if activation == "glu" and pieces != 2:
            raise ConfigurationError(f"pieces is an option of maxout only, found {pieces} for glu")
        if pieces < 1:
            raise ConfigurationError(f"pieces must be at least 1, found {pieces}")
        if not 0 <= dropout < 1:
            raise ConfigurationError(f"dropout must lie in [0, 1), found {dropout}")
        self._dropout = dropout
        # It is a module because AllenNLP considers a bias before a normalization unused.
        self.activation = GLU() if activation == "glu" else Maxout(pieces)
        size = self._hidden_dim
        self.projection = Linear(input_dim, size) if input_dim != size else None
        # Each weight has the shape (pieces * size, 3 * size): left, middle and right neighbor.
        self.layers = ModuleList(Linear(3 * size, pieces * size) for _ in self._dilations)
        self.norms = ModuleList(LayerNorm(size) for _ in self._dilations)
        for layer in [*self.layers, *([self.projection] if self.projection else [])]:
            torch.nn.init.xavier_uniform_(layer.weight)
            torch.nn.init.zeros_(layer.bias)

    def get_input_dim(self) -> int:
        return self._input_dim

    def get_output_dim(self) -> int:
        return self._hidden_dim

    def is_bidirectional(self) -> bool:
        return False

    def forward(self, inputs: Tensor, mask: Optional[Tensor] = None) -> Tensor:
        """
        # Parameters

        inputs : `Tensor`
            Shape `(batch, length, input_dim)`.
        mask : `Tensor`, optional
            Shape `(batch, length)`, bool, false in padding.

        # Returns

        `Tensor`
            Shape `(batch, length, hidden_dim)`.
        """
        # Shape: (batch, length, hidden_dim)
        states = inputs if self.projection is None else self.projection(inputs)
        padding = None if mask is None else ~mask.bool().unsqueeze(-1)
        length = states.shape[1]
        for dilation, layer, norm in zip(self._dilations, self.layers, self.norms):
            if padding is not None:
                states = states.masked_fill(padding, 0.0)
            padded = F.pad(states, (0, 0, dilation, dilation))
            # Shape: (batch, length, 3 * hidden_dim)
            windows = torch.cat([padded[:, :length], states, padded[:, 2 * dilation :]], dim=-1)
            added = norm(self.activation(layer(windows)))
            states = states + F.dropout(added, self._dropout, self.training)
        return states if padding is None else states.masked_fill(padding, 0.0)
