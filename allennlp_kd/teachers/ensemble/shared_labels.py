"""The labels of several teachers, matched by name."""

from typing import List, Sequence, Tuple

from allennlp.common.checks import ConfigurationError

from allennlp_kd.teachers.label_alignment import POLICIES


def shared_labels(members: Sequence[Tuple[str, Sequence[str]]], policy: str) -> List[str]:
    """Returns the labels that all members have, in the order of the first member.

    # Parameters

    members : `Sequence[Tuple[str, Sequence[str]]]`
        The name and the labels of each.
    policy : `str`
        `same`: all must have the same labels, in any order. `shared`: they may also have others.

    # Raises

    ConfigurationError
        If the policy is unknown, the labels differ under `same`, or there is none that all have.
    """
    if policy not in POLICIES:
        raise ConfigurationError(f"labels must be one of {', '.join(POLICIES)}, found '{policy}'")
    common = set.intersection(*(set(labels) for _, labels in members))
    if not common:
        listed = "; ".join(f"{name} has {list(labels)}" for name, labels in members)
        raise ConfigurationError(f"the members of the ensemble have no common label: {listed}")
    others = {name: [label for label in labels if label not in common] for name, labels in members}
    if policy == "same" and any(others.values()):
        listed = "; ".join(f"{name} has {labels}" for name, labels in others.items() if labels)
        raise ConfigurationError(
            "the members of the ensemble have different labels. These labels are not common to "
            f"all: {listed}. Set labels to 'shared' to use only the labels that all members have"
        )
    return [label for label in members[0][1] if label in common]
