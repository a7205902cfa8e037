import pytest
import torch

from allennlp_kd.structs.chain import Constraints, constrain, constraints_for, log_node_marginals
from allennlp_kd.structs.chain.constraints import ENCODINGS
from tests.structs.chain.enumeration import INFINITY, random_potentials


def allowed(encoding, labels):
    constraints = constraints_for(encoding, labels)
    pairs = {
        (left, right)
        for i, left in enumerate(labels)
        for j, right in enumerate(labels)
        if constraints.transitions[i, j]
    }
    start = [label for label, may in zip(labels, constraints.start.tolist()) if may]
    end = [label for label, may in zip(labels, constraints.end.tolist()) if may]
    return pairs, start, end


def test_bio_by_hand():
    pairs, start, end = allowed("BIO", ["O", "B-X", "I-X", "I-Y"])
    assert pairs == {
        *[(left, right) for left in ("O", "B-X", "I-X", "I-Y") for right in ("O", "B-X")],
        *[("B-X", "I-X"), ("I-X", "I-X"), ("I-Y", "I-Y")],
    }
    assert start == ["O", "B-X"] and end == ["O", "B-X", "I-X", "I-Y"]


def test_bioul_by_hand():
    pairs, start, end = allowed("BIOUL", ["O", "B-X", "I-X", "L-X", "U-X"])
    assert pairs == {
        *[(left, right) for left in ("O", "L-X", "U-X") for right in ("O", "B-X", "U-X")],
        *[(left, right) for left in ("B-X", "I-X") for right in ("I-X", "L-X")],
    }
    assert start == ["O", "B-X", "U-X"] and end == ["O", "L-X", "U-X"]


def test_iob1_by_hand():
    pairs, start, end = allowed("IOB1", ["O", "B-X", "I-X", "B-Y"])
    assert pairs == {
        *[(left, right) for left in ("O", "B-X", "I-X", "B-Y") for right in ("O", "I-X")],
        *[("B-X", "B-X"), ("I-X", "B-X"), ("B-Y", "B-Y")],
    }
    assert start == ["O", "I-X"] and end == ["O", "B-X", "I-X", "B-Y"]


def test_bmes_by_hand():
    pairs, start, end = allowed("BMES", ["B-X", "M-X", "E-X", "S-X", "E-Y"])
    assert pairs == {
        *[(left, right) for left in ("E-X", "S-X", "E-Y") for right in ("B-X", "S-X")],
        *[(left, right) for left in ("B-X", "M-X") for right in ("M-X", "E-X")],
    }
    assert start == ["B-X", "S-X"] and end == ["E-X", "S-X", "E-Y"]


def test_no_labels_have_no_moves():
    constraints = constraints_for("BIO", [])
    assert constraints.transitions.shape == (0, 0) and constraints.start.shape == (0,)


def test_unknown_encodings_and_empty_labels_are_refused():
    assert ENCODINGS == {"BIO", "BIOUL", "IOB1", "BMES"}
    with pytest.raises(
        ValueError, match=r"one of \['BIO', 'BIOUL', 'BMES', 'IOB1'\], found 'IOB2'"
    ):
        constraints_for("IOB2", ["O"])
    with pytest.raises(ValueError, match="must not be empty, found one at index 1"):
        constraints_for("BIO", ["O", ""])


def test_constrained_potentials_leave_no_probability_on_illegal_moves():
    labels = ["O", "B-X", "I-X", "I-Y"]
    constraints = constraints_for("BIO", labels)
    potentials = random_potentials(1, 4, scale=2.0)
    legal = constrain(potentials, constraints)
    for name in ("transitions", "start", "end"):
        keep = getattr(constraints, name)
        assert torch.equal(getattr(legal, name)[keep], getattr(potentials, name)[keep])
        assert (getattr(legal, name)[~keep] == -INFINITY).all()
    nodes = log_node_marginals(legal)
    # Nothing may start with I, and I-Y has no B-Y to follow.
    assert (nodes[:, 0, 2] == -INFINITY).all() and (nodes[..., 3] == -INFINITY).all()
    assert torch.isfinite(nodes[potentials.mask][:, 0]).all()


def test_constraints_for_other_tags_are_refused():
    with pytest.raises(ValueError, match="the 3 tags of the potentials, found 2"):
        constrain(random_potentials(1, 3), constraints_for("BIO", ["O", "B-X"]))


@pytest.mark.parametrize(
    "changes, message",
    [
        (
            {"transitions": torch.ones(2, 3).bool()},
            r"transitions must be boolean of shape \(2, 2\)",
        ),
        ({"transitions": torch.ones(2, 2)}, "transitions must be boolean .* found torch.float32"),
        ({"start": torch.ones(3).bool()}, r"start must be boolean of shape \(2,\), .* \(3,\)"),
        ({"end": torch.ones(2)}, "end must be boolean"),
    ],
)
def test_bad_constraints_are_refused(changes, message):
    good = dict(
        transitions=torch.ones(2, 2).bool(), start=torch.ones(2).bool(), end=torch.ones(2).bool()
    )
    assert isinstance(Constraints(**good), Constraints)
    with pytest.raises(ValueError, match=message):
        Constraints(**{**good, **changes})
