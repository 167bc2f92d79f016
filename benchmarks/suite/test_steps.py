"""Training steps of the examples: those of benchmarks/workloads.py."""

import pytest

from benchmarks.workloads import WORKLOADS, Way

STEPS = [name for name, each in WORKLOADS.items() if not each.gpu and (each.gflop or name == "actor_critic")]


def made(step):
    """The training step, and a test batch's inference."""
    workload = WORKLOADS[step]
    return workload.make(Way(), workload.batch)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.benchmark(group="training steps")
def test_step(benchmark, step):
    train, _ = made(step)
    benchmark(train)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.benchmark(group="inference")
def test_inference(benchmark, step):
    _, infer = made(step)
    benchmark(infer)
