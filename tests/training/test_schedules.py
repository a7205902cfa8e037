import math

import pytest
from allennlp.common import Params
from allennlp.common.checks import ConfigurationError
from hypothesis import given, strategies as st

from allennlp_kd.training.schedule import Schedule
from allennlp_kd.training.schedules import SHAPES, scheduled


def test_the_shapes_at_known_points():
    assert [scheduled("constant", 0.3, 0.9, 4, n) for n in (0, 2, 9)] == [0.3, 0.3, 0.3]
    assert [scheduled("linear", 1.0, 0.0, 4, n) for n in (0, 1, 4, 9)] == [1.0, 0.75, 0.0, 0.0]
    expected = [2.0, 2.0 + 4.0 * (1 - math.cos(math.pi / 4)) / 2, 4.0, 6.0]
    assert [scheduled("cosine", 2.0, 6.0, 4, n) for n in (0, 1, 2, 4)] == pytest.approx(expected)


@given(
    shape=st.sampled_from(sorted(SHAPES)),
    start=st.floats(0, 1),
    end=st.floats(0, 1),
    length=st.integers(1, 50),
    completed=st.integers(0, 100),
)
def test_a_value_lies_between_its_ends_and_goes_one_way(shape, start, end, length, completed):
    values = [scheduled(shape, start, end, length, n) for n in (0, completed, completed + 1)]
    low, high = min(start, end) - 1e-9, max(start, end) + 1e-9
    assert all(low <= value <= high for value in values)
    assert values[0] == start
    assert abs(values[2] - start) >= abs(values[1] - start) - 1e-9
    if shape != "constant" and completed >= length:
        assert values[1] == pytest.approx(end, abs=1e-9)


def test_a_schedule_counts_epochs_or_steps():
    params = {"start": 1.0, "end": 0.0, "length": 10}
    assert Schedule.from_params(Params(dict(params))).value(epochs=5, steps=8) == 0.5
    assert Schedule.from_params(Params(dict(params, by="step"))).value(epochs=5, steps=8) == (
        pytest.approx(0.2)
    )
    assert Schedule(start=0.7).value(epochs=3, steps=100) == 0.7


@pytest.mark.parametrize(
    "params, message",
    [
        ({"start": 1, "shape": "square"}, "one of constant, linear, cosine, found 'square'"),
        ({"start": 1, "by": "hour"}, "one of epoch, step, found 'hour'"),
        ({"start": 1, "end": 0}, "needs an end and a length of at least 1.*end 0 and length None"),
        ({"start": 1, "end": 0, "length": 0}, "length 0"),
        ({"start": 1, "shape": "cosine", "length": 3}, "end None and length 3"),
        ({"start": 1, "length": 3}, "takes only a start, found start 1, end None and length 3"),
    ],
)
def test_a_schedule_names_what_is_wrong(params, message):
    with pytest.raises(ConfigurationError, match=message):
        Schedule(**params)
