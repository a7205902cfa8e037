"""The benchmark of a CUDA device: small on the CPU, whole on a device."""

import json

import pytest
import torch

from benchmarks import __main__ as entry
from benchmarks.setups.device import benchmark_device, full_float32
from tests.benchmarks.test_benchmarks import data, run  # noqa: F401


@pytest.mark.slow
def test_runs_on_the_cpu_where_it_is_quick(data, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    result = run("gpu", tmp_path)
    assert result["device"].startswith("CPU")
    targets = {target["name"]: target for target in result["targets"]}
    assert {
        "chain: largest difference from the CPU",
        "tree: largest difference from the CPU",
        "tagger: distillation / stock, float32",
        "parser: distillation, difference of the loss from the CPU",
        "gloo, one rank: difference from alone",
    } <= targets.keys()
    assert all(each["met"] for name, each in targets.items() if "difference" in name)
    names = {
        f"{task}: {name}"
        for task in ("tagger", "parser")
        for name in ("stock", "plain", "distillation", "distillation, top_k 3")
    }
    steps = [result["medians"][f"ms, {each}"] for each in ("float32", "bfloat16 autocast")]
    # Where stock does not know bfloat16, the notes say so.
    cannot = {note.split(", bf")[0] for note in result["notes"] if note.endswith("cannot run")}
    assert steps[0].keys() == names
    assert {name for name in names if "stock" not in name} <= steps[1].keys()
    assert names - steps[1].keys() == {name.replace(", ", ": ", 1) for name in cannot}
    assert min(min(each.values()) for each in steps) > 0
    assert min(result["medians"]["words/s into a store"].values()) > 0


def test_says_that_there_is_no_device(data, tmp_path, monkeypatch, capsys):  # noqa: F811
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    output = tmp_path / "out.json"
    assert entry.main(["gpu", "--output", str(output)]) == 0
    said = "skipped: not available (torch finds no CUDA device; --quick runs on the CPU)"
    assert said in capsys.readouterr().out
    assert not output.exists()


def test_keeps_each_part_that_is_done(data, tmp_path, monkeypatch):  # noqa: F811
    from benchmarks.measures import device_losses, device_scoring, device_steps

    def measure(report, options, device):
        report.notes["losses"] = "done"

    def fail(report, options, device):
        raise KeyboardInterrupt

    monkeypatch.setattr(device_losses, "measure", measure)
    monkeypatch.setattr(device_steps, "measure", lambda *arguments: None)
    monkeypatch.setattr(device_scoring, "measure", fail)
    output = tmp_path / "out.json"
    with pytest.raises(KeyboardInterrupt):
        entry.main(["gpu", "--quick", "--output", str(output)])
    assert json.loads(output.read_text())["notes"] == {"losses": "done"}


def test_tf32_is_off_inside_and_back_after():
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = True
    try:
        with full_float32():
            assert not torch.backends.cudnn.allow_tf32
        assert torch.backends.cudnn.allow_tf32
    finally:
        torch.backends.cudnn.allow_tf32 = before


@pytest.mark.gpu
@pytest.mark.slow
def test_runs_on_a_device(data, tmp_path):  # noqa: F811
    assert benchmark_device(quick=False).type == "cuda"
    result = run("gpu", tmp_path)
    assert result["device"] == torch.cuda.get_device_name()
    found = {target["name"]: target for target in result["targets"]}
    assert "nccl, one rank: difference from alone" in found
    far = [name for name, each in found.items() if "difference" in name and not each["met"]]
    assert not far, json.dumps({name: found[name] for name in far})
    assert min(result["medians"]["ms, bfloat16 autocast"].values()) > 0
