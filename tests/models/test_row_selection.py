import pytest
import torch

from allennlp_kd.models.row_selection import RowSelection, fit_columns, select_rows


def test_a_field_that_all_sentences_have():
    value = torch.ones(3, 2)
    assert RowSelection.of(value, 3) == (None, value)
    assert RowSelection.of({"tokens": value}, 3).value == {"tokens": value}
    assert RowSelection.of({"rows": torch.arange(3), "value": value}, 3) == (None, value)


def test_a_field_that_some_or_none_have():
    rows, value = torch.tensor([0, 2]), torch.ones(2, 2)
    found = RowSelection.of({"rows": rows, "value": value}, 3)
    assert found.index is rows and found.value is value
    assert RowSelection.of(None, 3).value is None and RowSelection.of(None, 3).index.tolist() == []


def test_what_is_withheld_counts_or_does_not():
    value = {"rows": torch.tensor([0, 2]), "value": torch.tensor([[1], [2]])}
    value["withheld"] = torch.tensor([True, False])
    assert RowSelection.of(value, 3).index.tolist() == [0, 2]
    assert RowSelection.of(value, 2) == (None, value["value"])
    found = RowSelection.of(value, 3, withheld=False)
    assert found.index.tolist() == [2] and found.value.tolist() == [[2]]
    value["withheld"] = torch.tensor([True, True])
    found = RowSelection.of(value, 2, withheld=False)
    assert found.index.tolist() == [] and found.value is None


def test_selecting_rows_goes_down_into_what_a_batch_is_made_of():
    value = {
        "tokens": {"words": {"ids": torch.arange(6).view(3, 2)}},
        "metadata": [{"words": ["a"]}, {"words": ["b"]}, {"words": ["c"]}],
    }
    found = select_rows(value, torch.tensor([2, 0]))
    assert found["tokens"]["words"]["ids"].tolist() == [[4, 5], [0, 1]]
    assert found["metadata"] == [{"words": ["c"]}, {"words": ["a"]}]
    with pytest.raises(TypeError, match="cannot select sentences from a float"):
        select_rows({"x": 1.0}, torch.tensor([0]))


def test_fitting_columns():
    assert fit_columns(torch.ones(1, 2, dtype=torch.long), 4).tolist() == [[1, 1, 0, 0]]
