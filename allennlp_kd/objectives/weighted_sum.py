"""The `sum` objective: a weighted sum of objectives."""

from typing import Any, Dict, FrozenSet, Mapping, Optional, Tuple

from allennlp.common.checks import ConfigurationError
from overrides import overrides
from torch import Tensor
from torch.nn import Module, ModuleList

from allennlp_kd.objectives.objective import CARRIED, Layer, Objective


@Objective.register("sum")
class WeightedSum(Objective):
    """The sum of weight * loss over its members.

    The loss of each member is logged unweighted as `distillation_loss/NAME`, in addition to the
    sum, `distillation_loss`.

    # Parameters

    objectives : `Dict[str, Objective]`
        The members, by names of your choice.
    weights : `Dict[str, float]`, optional (default = `1.0` for each)
        Weights for some or all of these names.
    temperature : `float`, optional
        The temperature of all members. By default each keeps its own; a schedule sets them all.

    # Raises

    ConfigurationError
        If there is no member, a name holds a `/`, a weight is of no member or is not greater than
        0, or no structure is accepted by all members.
    """

    def __init__(
        self,
        objectives: Dict[str, Objective],
        weights: Optional[Dict[str, float]] = None,
        temperature: Optional[float] = None,
    ) -> None:
        weights = weights or {}
        if not objectives:
            raise ConfigurationError("a sum needs at least one objective, found none")
        unknown = sorted(set(weights) - set(objectives))
        if unknown:
            raise ConfigurationError(
                f"weights are given for {', '.join(unknown)}, but the objectives are "
                f"{', '.join(objectives)}"
            )
        for name, weight in weights.items():
            if not 0 < weight < float("inf"):
                raise ConfigurationError(
                    f"the weight of an objective must be greater than 0, found {weight} for {name}"
                )
        for name in objectives:
            if not name or "/" in name:
                raise ConfigurationError(
                    f"an objective's name must not be empty or contain a '/', found '{name}'"
                )
        self._members = dict(objectives)
        self._weights = {name: float(weights.get(name, 1.0)) for name in objectives}
        self.structures = frozenset.intersection(
            *(frozenset(member.structures) for member in objectives.values())
        )
        if not self.structures:
            accepted = "; ".join(
                f"{name}: {', '.join(sorted(member.structures))}"
                for name, member in objectives.items()
            )
            raise ConfigurationError(
                f"no structure is accepted by all objectives of a sum ({accepted})"
            )
        self.takes_parts = all(member.takes_parts for member in objectives.values())
        if temperature is not None:
            self.temperature = temperature

    @property
    def temperature(self) -> float:
        """The temperature of the members; the first one's if they differ."""
        return next(iter(self._members.values())).temperature

    @temperature.setter
    def temperature(self, value: float) -> None:
        for member in self._members.values():
            member.temperature = value

    @property
    @overrides
    def needs(self) -> FrozenSet[str]:
        return frozenset().union(*(member.needs for member in self._members.values()))

    @property
    @overrides
    def compares_scores(self) -> bool:
        return any(member.compares_scores for member in self._members.values())

    @property
    @overrides
    def layers(self) -> Tuple[Tuple[Layer, Layer], ...]:
        return tuple(pair for member in self._members.values() for pair in member.layers)

    @overrides
    def build(self, student: Mapping[Layer, int], teacher: Mapping[Layer, int]) -> None:
        for member in self._members.values():
            member.build(student, teacher)

    @property
    @overrides
    def learned(self) -> Optional[Module]:
        found = [member.learned for member in self._members.values() if member.learned is not None]
        return ModuleList(found) if found else None

    @property
    @overrides
    def part_names(self) -> Tuple[str, ...]:
        found = []
        for name, member in self._members.items():
            found += [name, *(f"{name}/{part}" for part in member.part_names)]
        return tuple(found)

    @overrides
    def check(self, structure: str, num_labels: int) -> None:
        for member in self._members.values():
            member.check(structure, num_labels)

    @overrides
    def __call__(self, student: Any, teacher: Any, **needed: Any) -> Tensor:
        return self.with_parts(student, teacher, **needed)[0]

    @overrides
    def with_parts(
        self, student: Any, teacher: Any, **needed: Any
    ) -> Tuple[Tensor, Dict[str, Tensor]]:
        total: Optional[Tensor] = None
        parts: Dict[str, Tensor] = {}
        for name, member in self._members.items():
            own = {need: needed[need] for need in member.needs - CARRIED}
            losses, inner = member.with_parts(student, teacher, **own)
            weighted = self._weights[name] * losses
            total = weighted if total is None else total + weighted
            parts[name] = losses
            parts.update({f"{name}/{part}": value for part, value in inner.items()})
        assert total is not None
        return total, parts
