"""Training steps of the examples: those of benchmarks/workloads.py."""

import pytest

from benchmarks.workloads import WORKLOADS, Way

STEPS = [name for name, each in WORKLOADS.items() if not each.gpu and (each.gflop or name == "actor_critic")]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.benchmark(group="training steps")
def test_step(benchmark, step):
    workload = WORKLOADS[step]
    train, _ = workload.make(Way(), workload.batch)
    benchmark(train)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.benchmark(group="inference")
def test_inference(benchmark, step):
    workload = WORKLOADS[step]
    _, infer = workload.make(Way(), workload.batch)
    benchmark(infer)
