"""benchmarks/gpu.py where there is no GPU: steps that are recorded on the stand-in, and processes that answer, die, or take too long."""

import json
import sys
import time
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

import framework
from benchmarks import gpu
from benchmarks.gpu_worker import Timer
from benchmarks.workloads import WORKLOADS, Way
from tests.gpu.cupy_module import cupy  # noqa: F401 - a fixture

WORKER = """
import json, sys, time
way = sys.argv[1]
if way == "torch-recorded":
    sys.exit("it cannot be recorded")
if way == "torch":
    time.sleep(60)
print(json.dumps({"loss": 0.5, "failed": [], "warnings": ["the step cannot be recorded"]}), flush=True)
for i, line in enumerate(sys.stdin):
    if way == "torch-compile" and i == 1:
        sys.exit("CUDA error: out of memory")
    ms = {"framework-recorded": 2.0, "torch-reduce-overhead": 4.0 + i, "torch-compile": 5.0, "framework": 9.0}[way]
    print(json.dumps({"steps": 3, "step_ms": ms, "wall_ms": ms, "peak_memory_mb": 1.0}), flush=True)
"""


@pytest.mark.parametrize("name", ["vae", "mnist_cnn"])
def test_a_recorded_step(name, cupy):  # noqa: F811
    losses = []
    for record in (lambda step: step, framework.compile):
        framework.manual_seed(0)
        step, _ = WORKLOADS[name].make(Way("cuda", record=record), 2)
        losses.append([step().item() for _ in range(5)])  # a warning, that it cannot be recorded, would be an error
    np.testing.assert_allclose(*losses, rtol=1e-3)
    assert len(set(losses[0])) == 5


def test_a_timed_step(cupy):  # noqa: F811
    timer = Timer(Way("cuda", record=framework.compile), "vae", 2)
    (step,) = timer.recorded
    assert len(step.graphs) == 1 and timer.facts["loss"] < timer.facts["first_loss"]
    figures = timer.measure(0.01)
    assert figures["steps"] >= 3 and figures["step_ms"] > 0 and figures["wall_ms"] > 0 and figures["peak_memory_mb"] >= 0


def test_no_gpu_is_one_line(monkeypatch, capsys):
    monkeypatch.setattr(framework.cuda, "is_available", lambda: False)
    assert gpu.main([]) == 1
    out, err = capsys.readouterr()
    assert not out and len(err.splitlines()) == 1 and "no GPU can be used here" in err


def test_the_processes_themselves(tmp_path, capsys):
    flags = ["--device", "cpu", "--skip-tests", "--no-larger", "--only", "actor_critic", "--ways", "framework", "framework-recorded"]
    assert gpu.main([*flags, "--rounds", "2", "--out", str(tmp_path / "new" / "gpu.json")]) == 0
    found = json.loads((tmp_path / "new" / "gpu.json").read_text())["results"]["actor_critic, batch 50"]
    for facts in found.values():
        assert "error" not in facts and len(facts["rounds"]) == 2 and facts["step_ms"] > 0
    page = (tmp_path / "new" / "gpu.md").read_text()
    assert "| actor_critic | 50 |" in page and page in capsys.readouterr().out


def flags(**others) -> Namespace:
    return Namespace(ways=list(gpu.WAYS), device="cpu", rounds=3, **others)


def test_processes_that_die_or_are_late(monkeypatch):
    monkeypatch.setattr(gpu, "WORKER", [sys.executable, "-c", WORKER])
    monkeypatch.setattr(gpu, "PATIENCE", 4)
    machine = gpu.Machine(5)
    found = gpu.measure(machine, "vae", 128, flags())
    assert list(found) == list(gpu.WAYS) and not machine.running
    assert found["torch"]["error"] == gpu.TOO_LONG and not found["torch"]["rounds"]
    assert found["torch-recorded"]["error"] == "it cannot be recorded"
    assert found["torch-compile"]["error"] == "CUDA error: out of memory" and len(found["torch-compile"]["rounds"]) == 1
    assert found["torch-reduce-overhead"]["step_ms"] == 5.0 and len(found["framework"]["rounds"]) == 3
    assert gpu.ratio(found, "torch-reduce-overhead") == 2 / 5 and gpu.ratio(found, "torch") is None

    record = {"machine": {"gpu": "H200"}, "driver": "1.2", "results": {"vae, batch 128": found}, "checks": {}}
    page = gpu.page({"vae, batch 128": ("vae", 128)}, record)
    assert "| vae | 128 | 9.000 | 2.000 | – | – | 5.000 | 5.000 | – | **0.40** ≤ 1.1 |" in page
    for said in ("PyTorch, recorded: it cannot be recorded", "compiled: CUDA error", "ours, recorded: the step cannot be recorded"):
        assert f"- vae, batch 128; {said}" in page


def test_when_no_time_is_left(monkeypatch):
    monkeypatch.setattr(gpu, "WORKER", [sys.executable, "-c", "raise SystemExit('started')"])
    assert {each["error"] for each in gpu.measure(gpu.Machine(0), "vae", 128, flags()).values()} == {gpu.NOT_MEASURED}


PRINTS = [sys.executable, "-c"]


def test_what_is_checked():
    machine = gpu.Machine(5)
    assert gpu.check(machine, [*PRINTS, "print('3 passed')"])["passed"]
    assert not gpu.check(machine, [*PRINTS, "raise SystemExit('no')"])["passed"]
    skipped = gpu.check(machine, [*PRINTS, "print('SKIPPED [3] tests/gpu: needs a CUDA device')"])
    assert not skipped["passed"] and skipped["output"].endswith("needs a CUDA device")
    machine.deadline = time.monotonic() + 0.5
    late = gpu.check(machine, [*PRINTS, "import time; print('begun', flush=True); time.sleep(60)"])
    assert not late["passed"] and late["seconds"] < 10 and late["output"] == "begun\nnot done: no time was left"
    assert not machine.running


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads states of processes from /proc")
def test_others_stand_still_while_one_is_measured():
    def state(process) -> str:
        return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]

    def becomes(process, stopped: bool) -> bool:
        until = time.monotonic() + 10
        while (state(process) == "T") != stopped and time.monotonic() < until:
            time.sleep(0.01)
        return (state(process) == "T") == stopped

    machine = gpu.Machine(5)
    one, other = [machine.start([*PRINTS, "import time; time.sleep(60)"]) for _ in range(2)]
    with machine.alone([one]):
        assert becomes(other, stopped=True) and becomes(one, stopped=False)
    assert becomes(other, stopped=False)
    machine.close()
    assert one.returncode and other.returncode and not machine.left()


@pytest.mark.parity
def test_pytorch_is_measured_too(tmp_path):
    flags = ["--device", "cpu", "--skip-tests", "--no-larger", "--only", "vae", "--ways", "framework-recorded", "torch"]
    assert gpu.main([*flags, "--rounds", "1", "--out", str(tmp_path / "gpu.json")]) == 0
    found = json.loads((tmp_path / "gpu.json").read_text())["results"]["vae, batch 128"]
    assert found["torch"]["loss"] == pytest.approx(found["framework-recorded"]["loss"], rel=0.01)
    assert gpu.ratio(found, "torch") > 0


def test_committed_tables_are_what_the_results_say():
    """The page beside the results of the H200, and the table of docs/gpu.md, which has some of its columns."""
    root = Path(__file__).parents[2]
    record = json.loads((root / "benchmarks/results/nvidia-h200.json").read_text())
    cases = {title: (title.rpartition(", batch ")[0], int(title.rpartition(" ")[2])) for title in record["results"]}
    page = gpu.page(cases, record)
    assert page == (root / "benchmarks/results/nvidia-h200.md").read_text()
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| ")][: len(cases) + 1]
    shown = [" | ".join(row[:5] + row[7:]) for row in rows]
    assert [line for line in (root / "docs/gpu.md").read_text().splitlines() if line in shown] == shown
