"""The requirement on this package among those of a pipeline."""

import pytest

from spacy_bridge.runtime.requirement import require, requirement

OTHERS = ["allennlp-kd-extras>=1.0", "allennlp-kd.tools", "allennlp-kd2", "spacy>=3"]


@pytest.mark.parametrize("extra", [None, "onnx"])
def test_other_packages_are_kept(extra):
    assert require(OTHERS, extra) == [*OTHERS, requirement(extra)]


@pytest.mark.parametrize("name", ["allennlp-kd", "allennlp_kd", "AllenNLP.KD"])
@pytest.mark.parametrize("version", ["", ">=1.0", " >=1.0", "; python_version > '3'", "@ file"])
def test_ours_is_given_the_extra(name, version):
    ours = name + version
    assert require([*OTHERS, ours], None) == [*OTHERS, ours]
    assert require([*OTHERS, ours], "onnx") == [*OTHERS, requirement("onnx")]


def test_ours_with_an_extra_is_kept():
    ours = "allennlp-kd[onnx]>=1.0"
    assert require([ours], "onnx") == [ours]
