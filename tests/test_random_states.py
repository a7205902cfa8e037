"""What is drawn inside changes nothing outside."""

import random

import numpy
import pytest
import torch

from allennlp_kd.random_states import preserved_random_states, set_random_states


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


@pytest.mark.parametrize("saved, present", [(2, 1), (1, 2), (2, 0), (1, 1)])
def test_states_of_another_number_of_gpus(saved, present, monkeypatch, caplog):
    """Recovered on another machine."""
    states = {"torch": torch.get_rng_state(), "cuda": [f"state {n}" for n in range(saved)]}
    restored = {}
    monkeypatch.setattr("torch.cuda.is_available", lambda: present > 0)
    monkeypatch.setattr("torch.cuda.device_count", lambda: present)

    def set_state(state, device):
        assert device < present, "invalid device ordinal"
        restored[device] = state

    monkeypatch.setattr("torch.cuda.set_rng_state", set_state)
    monkeypatch.setattr("torch.cuda.random.set_rng_state", set_state)
    set_random_states(states)
    assert restored == {n: f"state {n}" for n in range(min(saved, present))}
    warning = f"of {saved} GPUs were saved, but this machine has {present} GPUs"
    assert (warning in caplog.text) == (saved > present)
