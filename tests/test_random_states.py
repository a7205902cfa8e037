"""What is drawn inside changes nothing outside."""

import random

import numpy
import pytest
import torch

from allennlp_kd.random_states import preserved_random_states


def draws():
    return random.random(), float(numpy.random.rand()), float(torch.rand(()))


def test_what_is_drawn_inside_changes_nothing_outside():
    random.seed(1), numpy.random.seed(1), torch.manual_seed(1)
    expected = [draws() for _ in range(3)]
    random.seed(1), numpy.random.seed(1), torch.manual_seed(1)
    found = [draws()]
    with preserved_random_states():
        assert draws() == expected[1]
    found.append(draws())
    with pytest.raises(KeyError), preserved_random_states():
        draws()
        raise KeyError
    found.append(draws())
    assert found == expected


def test_torch_alone():
    random.seed(1), torch.manual_seed(1)
    first, second = draws(), draws()
    random.seed(1), torch.manual_seed(1)
    with preserved_random_states(torch_alone=True):
        draws()
    found = draws()
    assert found[2] == first[2] and found[0] == second[0]


def test_gpus_that_come_into_use_inside(monkeypatch):
    """They are as after seeding: nothing could be drawn before they were in use."""
    in_use, seeds = [], []
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.is_initialized", lambda: bool(in_use))
    torch.manual_seed(3)
    monkeypatch.setattr("torch.cuda.manual_seed_all", seeds.append)
    with preserved_random_states():
        torch.rand(())
    assert not seeds
    with preserved_random_states():
        in_use.append(True)
    assert seeds == [3]
