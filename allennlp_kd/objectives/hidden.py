"""The `hidden` objective: matches hidden states through a learned projection."""

from typing import Any, Dict, FrozenSet, List, Mapping, NamedTuple, Optional, Tuple, Union

import torch
from allennlp.common.checks import ConfigurationError
from overrides import overrides
from torch import Tensor
from torch.nn import Identity, Linear, Module, ModuleList

from allennlp_kd.objectives.objective import Layer, Objective
from allennlp_kd.structs.numerics.execution import raised

DISTANCES = ("mse", "cosine")
PROJECTIONS = ("linear", "identity")


class HiddenStates(NamedTuple):
    """The word vectors of both models for the same batch.

    # Parameters

    student, teacher : `Mapping[Layer, Tensor]`
        By layer; each of shape `(batch, length, width)`.
    """

    student: Mapping[Layer, Tensor]
    teacher: Mapping[Layer, Tensor]


@Objective.register("hidden")
class Hidden(Objective):
    """Matches layers of the student with layers of the teacher; a term for a `sum` of objectives.

    Let s and t be the student's and the teacher's vector of a word, of width d, and P a projection.
    The loss of a sentence is the sum, over its words and over the pairs of layers, of

        mse:     |P s - t|^2 / d             (Romero et al., "FitNets", 2015)
        cosine:  1 - cos(P s, t)             (Sanh et al., "DistilBERT", 2019).

    P is trained with the student and saved in the checkpoints of a trainer of type `resumable`. It
    is not part of the student or its archive. The loss does not use potentials, so the temperature
    has no effect.

    # Parameters

    layers : `List[Dict[str, Union[int, str]]]`, optional (default = the encoders)
        Pairs such as `{"student": "encoder", "teacher": 5}`. A layer is `encoder`, the encoder's
        output; `embedder`, its input; or the index, from 0, of a layer of the embedder's
        transformer. For a student, the index counts the student's own layers.
    distance : `str`, optional (default = `"mse"`)
        `mse` or `cosine`.
    projection : `str`, optional (default = `"linear"`)
        `linear`: a learned matrix and bias for each pair. `identity`: no projection, for layers of
        the same width.
    temperature : `float`, optional (default = `1.0`)
        Has no effect.

    # Raises

    ConfigurationError
        If there is no pair of layers, a pair has other keys, or distance or projection are unknown.
    """

    needs: FrozenSet[str] = frozenset({"hidden"})
    takes_parts = True

    def __init__(
        self,
        layers: Optional[List[Dict[str, Union[int, str]]]] = None,
        distance: str = "mse",
        projection: str = "linear",
        temperature: float = 1.0,
    ) -> None:
        super().__init__(temperature)
        if layers is None:
            layers = [{"student": "encoder", "teacher": "encoder"}]
        if not layers:
            raise ConfigurationError("layers must name at least one pair, found none")
        for pair in layers:
            if set(pair) != {"student", "teacher"}:
                raise ConfigurationError(
                    "each of layers must have exactly the keys 'student' and 'teacher', found "
                    f"{sorted(pair)}"
                )
        if distance not in DISTANCES:
            raise ConfigurationError(
                f"distance must be one of {', '.join(DISTANCES)}, found '{distance}'"
            )
        if projection not in PROJECTIONS:
            raise ConfigurationError(
                f"projection must be one of {', '.join(PROJECTIONS)}, found '{projection}'"
            )
        self._layers = tuple((pair["student"], pair["teacher"]) for pair in layers)
        self._distance, self._projection = distance, projection
        self._projections: Optional[ModuleList] = None

    @property
    @overrides
    def layers(self) -> Tuple[Tuple[Layer, Layer], ...]:
        return self._layers

    @overrides
    def build(self, student: Mapping[Layer, int], teacher: Mapping[Layer, int]) -> None:
        projections = ModuleList()
        for of_student, of_teacher in self._layers:
            widths = student[of_student], teacher[of_teacher]
            if self._projection == "linear":
                projections.append(Linear(*widths))
                continue
            if widths[0] != widths[1]:
                raise ConfigurationError(
                    "projection 'identity' needs layers of the same width, but the student's "
                    f"{of_student} has {widths[0]} and the teacher's {of_teacher} {widths[1]}: use "
                    "'linear'"
                )
            projections.append(Identity())
        self._projections = projections

    @property
    @overrides
    def learned(self) -> Optional[Module]:
        return self._projections if self._projection == "linear" else None

    @overrides(check_signature=False)
    def __call__(self, student: Any, teacher: Any, hidden: HiddenStates) -> Tensor:
        """See `Objective`. `hidden` contains the vectors of the layers."""
        assert self._projections is not None, "build has not been called"
        per_layer: List[Tensor] = []
        for (of_student, of_teacher), projection in zip(self._layers, self._projections):
            found, wanted = hidden.student[of_student], hidden.teacher[of_teacher].detach()
            # Padding is filled first, because it may contain any value.
            padding = ~student.mask.unsqueeze(2)
            found, wanted = found.masked_fill(padding, 0.0), wanted.masked_fill(padding, 0.0)
            found, wanted = raised(projection(raised(found))), raised(wanted)
            if self._distance == "mse":
                per_word = (found - wanted).square().mean(2)
            else:
                per_word = 1 - torch.cosine_similarity(found, wanted, dim=2)
            per_layer.append(per_word.masked_fill(padding.squeeze(2), 0.0).sum(1))
        return torch.stack(per_layer).sum(0)
