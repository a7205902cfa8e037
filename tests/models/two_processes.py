"""What each of two processes does in `test_two_processes.py`; and one, for comparison."""

from types import SimpleNamespace
from typing import Any, Dict, List

import torch
import torch.distributed as dist
from allennlp.nn.parallel.ddp_accelerator import TorchDdpAccelerator

from allennlp_kd.objectives.hidden import Hidden
from allennlp_kd.objectives.substructured import Substructured
from allennlp_kd.objectives.weighted_sum import WeightedSum
from allennlp_kd.training.word_weighted_accumulation import WordWeightedAccumulation
from tests.models import two_process_trees
from tests.models.fake_teacher import SquaredDifference, teacher_inputs
from tests.models.tagging import instances, tensors
from tests.training.loop import distillation

LENGTHS = [6, 2, 1, 7]
# Of each step: the sentences of each process, those of all that have teacher inputs, and gold.
STEPS = [
    ([[0, 1, 2], [3]], [0, 1, 2, 3], [0, 1, 2, 3]),
    ([[2, 0], [1]], [0, 2], [1]),  # one process without a teacher, the other without gold
    ([[3], [1, 0]], [0], [0]),  # one process without either
]


def tagging() -> Any:
    members = {
        "squares": SquaredDifference(),
        "predictions": Substructured(),
        "hidden": Hidden(),  # it has weights of its own
    }
    return distillation(alpha=0.3, objective=WeightedSum(members, {"predictions": 2.0}))


def batch(model: Any, rows: List[int], taught: List[int], gold: List[int]) -> Dict[str, Any]:
    found = tensors(model.vocab, [instances()[row] for row in rows])
    every = teacher_inputs(LENGTHS, len(model.student.labels))["value"]
    found["teacher"] = None
    places = [place for place, row in enumerate(rows) if row in taught]
    if places:
        words = every["words"][[rows[place] for place in places]]
        emissions = every["emissions"][[rows[place] for place in places]]
        value = {"emissions": emissions[:, : int(words.max())], "words": words}
        found["teacher"] = {"rows": torch.tensor(places), "value": value}
    places = [place for place, row in enumerate(rows) if row in gold]
    tags = found.pop("tags")
    found["tags"] = {"rows": torch.tensor(places), "value": tags[places]} if places else None
    return found


TASKS = {
    "tagger": (tagging, batch),
    "parser": (two_process_trees.distillation, two_process_trees.batch),
}


def accumulated(model: Any, module: Any, batches: List[Dict[str, Any]]) -> List[torch.Tensor]:
    """The gradients of all batches as `word_weighted_accumulation` adds them up."""
    callback = WordWeightedAccumulation("")
    trainer = SimpleNamespace(model=model, _scaler=None)
    model.zero_grad(set_to_none=True)
    for inputs in batches:
        callback.on_backward(trainer, module(**inputs), False)  # type: ignore[arg-type]
    return [p.grad.clone() for p in model.parameters() if p.requires_grad]


def run(rank: int, size: int, task: str) -> Dict[str, Any]:
    """Each step's gradients, the metrics of training and of evaluation, and what is saved."""
    build, batch = TASKS[task]
    model = build()
    module = model
    if size > 1:
        _, wrapper = TorchDdpAccelerator(local_rank=rank, world_size=size).wrap_model(model)
        module = wrapper.model
        state = wrapper.state_dict()
        wrapper.load_state_dict({name: tensor.clone() for name, tensor in state.items()})
    results: Dict[str, Any] = {"gradients": [], "losses": [], "words": []}
    for rows, taught, gold in STEPS:
        own = rows[rank] if size > 1 else [row for part in rows for row in part]
        model.zero_grad(set_to_none=True)
        outputs = module(**batch(model, own, taught, gold))
        outputs["loss"].backward()
        results["gradients"].append([p.grad.clone() for p in model.parameters() if p.requires_grad])
        results["losses"].append(outputs["loss"].item())
        results["words"].append(outputs["batch_words"])
    results["training"] = model.get_metrics(reset=True)
    owned = [
        (rows[rank] if size > 1 else sum(rows, []), taught, gold) for rows, taught, gold in STEPS
    ]
    results["accumulated"] = accumulated(model, module, [batch(model, *step) for step in owned])
    model.get_metrics(reset=True)
    module.eval()
    with torch.no_grad():
        for rows, taught, gold in STEPS:
            own = rows[rank] if size > 1 else [row for part in rows for row in part]
            module(**batch(model, own, taught, gold))
            model.get_metrics()  # as the trainer does, for its progress bar
    model.agreement_by_label = True
    results["evaluation"] = model.get_metrics(reset=True)
    results["state"] = model.state_dict() if size == 1 else wrapper.state_dict()
    return results


def worker(rank: int, size: int, directory: str, task: str) -> None:
    dist.init_process_group(
        "gloo", init_method=f"file://{directory}/rendezvous", world_size=size, rank=rank
    )
    torch.save(run(rank, size, task), f"{directory}/{rank}.th")
    dist.barrier()
    dist.destroy_process_group()
