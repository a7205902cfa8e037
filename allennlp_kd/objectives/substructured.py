"""The `substructured` objective: matches teacher and student on every sub-structure."""

from typing import Any, FrozenSet, Optional

from allennlp.common.checks import ConfigurationError
from overrides import overrides
from torch import Tensor
from torch.nn import Module

from allennlp_kd.objectives.chain.matching import ChainMatching
from allennlp_kd.objectives.learned_scale import LearnedScale
from allennlp_kd.objectives.objective import Objective
from allennlp_kd.objectives.tree.matching import TreeMatching
from allennlp_kd.structs.numerics.execution import exact
from allennlp_kd.structs.tree import TreePotentials

MATCHES = ("predictions", "scores", "both")
FORMS = ("emissions", "raw", "centred", "weighted")
MIXES = ("uniform", "student")


@Objective.register("substructured")
class Substructured(Objective):
    """Matches student and teacher on every sub-structure, without dynamic programming (Lin et al.
    2022).

    # Parameters

    match : `str`, optional (default = `"predictions"`)
        `predictions`: KL divergence between the local distributions: over the cells of each window
        of a chain, see `window`; over the heads of each word and the labels of each arc of a tree,
        see `arc_predictions` and `label_predictions`. `scores`: squared differences of scores, see
        `form`. `both`: the sum of the two.
    form : `str`, optional
        The form of `scores`. `raw`: the mean square. `centered` (the default; `centred` is the
        same): the variance of the difference over all sequences, or over assignments of heads and
        labels; for chains and for heads it is zero exactly when both models define the same
        distribution. `weighted`: like `centered`, with tags, heads and labels drawn from a
        non-uniform distribution, see `mix`. `emissions`: the mean square of emissions, for chains.
    scale : `float`, optional (default = `1.0`)
        A factor of the loss; with `both`, of the scores only. Squared score differences are not on
        the scale of a likelihood.
    temperature : `float`, optional (default = `1.0`)
        Divides the scores of both models.
    scale_by_temperature_squared : `bool`, optional (default = `True`)
        Whether `predictions` are multiplied by the squared temperature, which keeps the size of
        their gradient (Hinton et al. 2015).
    parts : `str`, optional (default = both; the arcs where labels are not compared)
        For trees: `arcs`, `labels` or `both`.
    heads : `str`, optional (default = `"all"`)
        For trees, the arcs on which the `scores` of labels are matched, as a mean over heads for
        each word: `all`; the teacher's `best` heads with equal weights; or `probable`, each head
        weighted by its probability under the teacher. (`predictions` of labels are always weighted
        in this way.)
    best : `int`, optional
        The number of heads for `heads: "best"`.
    window : `int`, optional (default = `2`)
        For chains, the number of adjacent tags in a table of `predictions`: 1 for nodes, 2 for
        edges; see `window_predictions`.
    mix : `float`, optional (default = `0.5`)
        For the form `weighted`: the weights are (1 - mix) * the teacher's probabilities + mix *
        those of `mix_with`. For chains the teacher's probabilities are its node marginals, which a
        store contains with `marginals: true`; for trees they are those of a word's heads and an
        arc's labels. With 0 there is no gradient where the teacher is certain; with 1 no marginals
        are needed.
    mix_with : `str`, optional (default = `"uniform"`)
        `uniform`, or `student`: the student's local softmax (over a word's emissions, a word's
        heads, an arc's labels), without gradient.
    huber : `float`, optional
        For the forms `centered` and `emissions`: the threshold beyond which a difference counts
        linearly instead of quadratically; see `huber_loss`. It applies to each cell of a node, an
        edge, an arc or a label, after centering.
    learned_scale : `bool`, optional (default = `False`)
        Whether the student's scores (never the teacher's) are multiplied by a learned factor above
        0 before `scores` compares them; see `LearnedScale`. So a student may learn its teacher's
        distribution at another sharpness. The factor is not in the student's archive.

    What the teacher forbids (-inf) has no probability, and is left out of `scores`. Where the
    student forbids what the teacher does not, the loss is infinite.

    # Raises

    ConfigurationError
        If an option has none of its values, or is given where it has no meaning.
    ValueError
        On a call, if the teacher forbids all that a word can be; or if `scores` meet one of the
        teacher's that is neither a number nor forbidden (-inf), or forbidden transitions.
    """

    takes_parts = True

    def __init__(
        self,
        match: str = "predictions",
        form: Optional[str] = None,
        scale: float = 1.0,
        temperature: float = 1.0,
        scale_by_temperature_squared: bool = True,
        parts: Optional[str] = None,
        heads: Optional[str] = None,
        best: Optional[int] = None,
        window: Optional[int] = None,
        mix: Optional[float] = None,
        mix_with: Optional[str] = None,
        huber: Optional[float] = None,
        learned_scale: bool = False,
    ) -> None:
        super().__init__(temperature)
        if match not in MATCHES:
            raise ConfigurationError(f"match must be one of {', '.join(MATCHES)}, found '{match}'")
        form = "centred" if form == "centered" else form
        if form is not None and form not in FORMS:
            raise ConfigurationError(f"form must be one of {', '.join(FORMS)}, found '{form}'")
        if form is not None and match == "predictions":
            raise ConfigurationError(f"form '{form}' is for scores, but match is 'predictions'")
        if not 0 < scale < float("inf"):
            raise ConfigurationError(f"scale must be greater than 0, found {scale}")
        if window is not None and match == "scores":
            raise ConfigurationError(f"window {window} is for predictions, but match is 'scores'")
        _check_weights(match, form, mix, mix_with)
        if huber is not None:
            if match == "predictions" or form in ("raw", "weighted"):
                raise ConfigurationError(
                    f"huber {huber} is for the forms centered and emissions of scores, found match "
                    f"'{match}', form '{form}'"
                )
            if not huber > 0:
                raise ConfigurationError(f"huber must be greater than 0, found {huber}")
        if learned_scale and match == "predictions":
            raise ConfigurationError("learned_scale true is for scores, but match is 'predictions'")
        self._student_scale = LearnedScale() if learned_scale else None
        self._scale = scale
        self._squared = scale_by_temperature_squared
        form = form or "centred"
        mix = 0.5 if mix is None else mix
        mix_with = mix_with or "uniform"
        self._needs = frozenset({"marginals"}) if form == "weighted" and mix < 1 else frozenset()
        self._matches = ("predictions", "scores") if match == "both" else (match,)
        self._of_chains, self._of_trees = {}, {}
        for each in self._matches:
            of_heads, of_best = (
                (heads, best) if each == "scores" or match != "both" else (None, None)
            )
            self._of_chains[each] = ChainMatching(each, form, window, mix, mix_with, huber)
            self._of_trees[each] = TreeMatching(
                each, form, parts, of_heads, of_best, mix, mix_with, huber
            )
        of_trees = any(option is not None for option in (parts, heads, best))
        of_chains = form == "emissions" or window is not None
        if of_trees and of_chains:
            found = "form 'emissions'" if form == "emissions" else f"window {window}"
            raise ConfigurationError(
                f"{found} is for chains, but parts, heads or best are for trees"
            )
        # The structures for which the options have a meaning.
        if of_trees:
            self.structures = frozenset({"tree"})
        elif of_chains:
            self.structures = frozenset({"chain"})

    @property
    @overrides
    def compares_scores(self) -> bool:
        return "scores" in self._matches

    @property
    @overrides
    def needs(self) -> FrozenSet[str]:
        return self._needs

    @property
    @overrides
    def learned(self) -> Optional[Module]:
        return self._student_scale

    @exact
    @overrides(check_signature=False)
    def __call__(self, student: Any, teacher: Any) -> Tensor:
        matching = self._of_trees if isinstance(student, TreePotentials) else self._of_chains
        losses = []
        for match in self._matches:
            factor = self._scale if match == self._matches[-1] else 1.0
            if self._squared and match == "predictions":
                factor *= self.temperature**2
            scaled = student
            if self._student_scale is not None and match == "scores":
                scaled = self._student_scale(student)
            losses.append(factor * matching[match](scaled, teacher, self.temperature))
        return sum(losses[1:], losses[0])


def _check_weights(
    match: str, form: Optional[str], mix: Optional[float], mix_with: Optional[str]
) -> None:
    if form != "weighted" and (mix is not None or mix_with is not None):
        raise ConfigurationError(
            f"mix and mix_with are for form 'weighted', found {mix} and '{mix_with}' with match "
            f"'{match}', form '{form}'"
        )
    if mix is not None and not 0 <= mix <= 1:
        raise ConfigurationError(f"mix must lie in [0, 1], found {mix}")
    if mix_with is not None and mix_with not in MIXES:
        raise ConfigurationError(f"mix_with must be one of {', '.join(MIXES)}, found '{mix_with}'")
