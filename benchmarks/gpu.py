"""A CUDA device: training steps, memory, scoring, NCCL, and losses that equal the CPU's.

Steps of stock, of the student alone and of distillations from a store, in float32 and under bfloat16
autocast, on EWT; `top_k` beside the default objective. `--quick` runs on the CPU where there is no
device. The teachers that score are those of $ALLENNLP_KD_TEACHERS, where that is set. Batches are on the
device before the clock starts.
"""

from typing import List

from benchmarks.command import Options, run, settings
from benchmarks.report import Report


def measure(options: Options) -> Report:
    """All parts."""
    from benchmarks.measures import device_losses, device_processes, device_scoring, device_steps
    from benchmarks.setups.device import benchmark_device, device_name
    from benchmarks.setups.treebank import BATCH_SIZE, treebank

    device = benchmark_device(options.quick)
    treebank()  # raises where there is none
    report = Report("gpu", settings(options, batch_size=BATCH_SIZE, device=device_name(device)))
    for part in (device_losses, device_steps, device_scoring, device_processes):
        part.measure(report, options, device)
        if options.output is not None:  # a lent device may be gone before the end
            report.write(options.output)
    return report


def main(arguments: List[str]) -> None:
    """The entry point; `arguments` are the words after `python -m benchmarks gpu`."""
    run("gpu", measure, arguments, __doc__)
