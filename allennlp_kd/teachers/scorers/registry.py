"""The registry of scorers, which compute the potentials of a model by its class."""

from typing import Any, Callable, Dict, List, Tuple, Type

import torch
from allennlp.common.checks import ConfigurationError
from allennlp.models import Model

NO_SCORES = frozenset(
    {
        "get_metrics", "make_output_human_readable", "get_regularization_penalty",
        "default_predictor", "authorized_missing_keys",
    }
)  # fmt: skip
"""The attributes that a sub-class may override without its own scorer, because no score depends on
them.
"""

_CALLED = ("__call__", "__getattr__", "__getattribute__")


class ArchiveScorer:
    """Runs a model up to its scores, without decoding.

    A scorer is registered for the models that it fits by `scored_by`.

    # Parameters

    model : `Model`
        In evaluation mode, on any device.
    """

    structure: str
    """The kind of the potentials: `"chain"` or `"tree"`."""

    def __init__(self, model: Model) -> None:
        self._model = model

    @property
    def fields(self) -> Tuple[str, ...]:
        """The model's inputs that are read; the first one is the text."""
        raise NotImplementedError

    @property
    def takes_tags(self) -> bool:
        """Whether the scores depend on part-of-speech tags, if the model's reader takes any."""
        return True

    @property
    def labels(self) -> List[str]:
        """The names of the tags (chain) or arc labels (tree), in the order of the potentials."""
        raise NotImplementedError

    def shared(self) -> Dict[str, torch.Tensor]:
        """The scores that all sentences share; a store holds them once.

        Chain: `transitions`, `start` and `end`. Tree: `weight` and `bias` of the label scores.
        """
        raise NotImplementedError

    def __call__(self, inputs: Dict[str, Any]) -> Any:
        """Scores a batch without gradients.

        # Parameters

        inputs : `Dict[str, Any]`
            The collated fields of the model's own reader; `fields` are present.

        # Returns

        `ChainPotentials` or `TreePotentials`
        """
        raise NotImplementedError

    @staticmethod
    def have_nan(potentials: Any) -> torch.Tensor:
        """Marks the sentences with a NaN score; shape `(batch,)`, boolean."""
        raise NotImplementedError


SCORERS: Dict[Type[Model], Type[ArchiveScorer]] = {}
"""Scorers by model class."""


def scored_by(scorer: Type[ArchiveScorer]) -> Callable[[Type[Model]], Type[Model]]:
    """A decorator that registers the scorer of a model's class.

    It stands for the class, and for those sub-classes that compute scores in the same way.

    # Parameters

    scorer : `Type[ArchiveScorer]`
        For a sub-class of a stock model whose scores are AllenNLP's, the stock scorer:
        `CrfTaggerScorer`, `SimpleTaggerScorer` or `BiaffineParserScorer`.
    """

    def register(model: Type[Model]) -> Type[Model]:
        SCORERS[model] = scorer
        return model

    return register


def find_scorer(model: Type[Model], archive_file: str) -> Type[ArchiveScorer]:
    """Returns the scorer of a model's class, or of the nearest base class.

    # Parameters

    archive_file : `str`
        For errors.

    # Raises

    ConfigurationError
        If there is none, or the class overrides what scores may depend on.
    """
    own: List[Type] = []
    for known in model.__mro__:
        if known in SCORERS:
            _check_overrides(model, own, known, archive_file)
            return SCORERS[known]
        own.append(known)
    raise ConfigurationError(
        f"the archive {archive_file} holds a {model.__name__}, but a teacher must be one of "
        f"{', '.join(sorted(each.__name__ for each in SCORERS))}, or a class registered with "
        "`scored_by`"
    )


def _check_overrides(model: Type, own: List[Type], known: Type, archive_file: str) -> None:
    overridden = sorted(
        {
            name
            for each in own
            for name in vars(each)
            if hasattr(known, name) and name not in NO_SCORES
            if not name.startswith("__") or name in _CALLED
        }
        - {"_abc_impl"}
    )
    if overridden:
        raise ConfigurationError(
            f"the archive {archive_file} holds a {model.__name__}, whose "
            f"{', '.join(overridden)} {'is' if len(overridden) == 1 else 'are'} not "
            f"{known.__name__}'s, so its scores may differ from those of {known.__name__}: "
            "register a scorer for it with allennlp_kd.teachers.scorers.registry.scored_by"
        )
