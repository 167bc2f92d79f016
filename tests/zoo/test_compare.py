"""Sets of runs side by side: what may be concluded from them, and what may not."""

import json
import math
from pathlib import Path

import pytest
from scipy import stats

from zoo.common.compare import compare, contrast, welch
from zoo.common.errors import UserError
from zoo.common.results import examples

MACHINE = {"cpu": "Z80", "cores": 4, "threads": 2, "gpu": None}
ZOO = Path(__file__).parents[2] / "zoo"


def write(folder: Path, accuracies: list[float], *, seeds=None, machine=MACHINE, example="mnist_cnn", sha="0" * 64, **flags) -> Path:
    """A results.json for each of these figures, with the seeds 0, 1, …"""
    folder.mkdir(exist_ok=True)
    for seed, accuracy in zip(seeds or range(len(accuracies)), accuracies, strict=True):
        results = {
            "example": example,
            "flags": {"out": f"runs/{seed}", "seed": seed, "epochs": 1, **flags},
            "seed": seed,
            "data": {"name": "toy", "sha256": sha, "origin": "built-in"},
            "machine": machine,
            "commands": [],
            "metrics": {"test_accuracy": accuracy},
            "seconds": 10.0 + seed,
            "peak_memory": {"host": 3 << 20, "gpu": None},
            "kernels": {},
        }
        (folder / f"{len(list(folder.iterdir()))}.json").write_text(json.dumps(results))
    return folder


def report(a: Path, b: Path) -> dict:
    """What compare writes with --json."""
    file = a.parent / "report.json"
    compare(a, b, file=file)
    return json.loads(file.read_text())


def figures(a: Path, b: Path) -> dict:
    """The figures of the one pair of groups that they have."""
    (pair,) = report(a, b)["compared"]
    return pair["figures"]


def test_the_interval_is_welchs():
    # Both variances are 2, so s² is 2 and there are 2 degrees of freedom, where a table of Student's t has 4.3027.
    assert welch([0.0, 2.0], [10.0, 12.0]) == pytest.approx((10 - 4.302653 * 2**0.5, 10 + 4.302653 * 2**0.5))
    a, b = [1.0, 2.5, 3.0, 3.1], [2.0, 9.0, 6.0]
    expected = stats.ttest_ind(b, a, equal_var=False).confidence_interval(0.95)
    assert welch(a, b) == pytest.approx((expected.low, expected.high))


def test_known_numbers(tmp_path, capsys):
    found = figures(write(tmp_path / "a", [0.25, 0.5, 0.75]), write(tmp_path / "b", [0.5, 0.75, 1.0]))["test_accuracy"]
    assert found["A"] == {"n": 3, "mean": 0.5, "std": 0.25} and found["B"] == {"n": 3, "mean": 0.75, "std": 0.25}
    doubt = 2.776445 * (2 * 0.25**2 / 3) ** 0.5  # of Student's t with 4 degrees of freedom
    assert found["difference"] == 0.25 and found["interval"] == pytest.approx([0.25 - doubt, 0.25 + doubt])
    assert found["verdict"] == "no difference can be told"
    out = capsys.readouterr().out
    assert "± 25.00 %, n 3" in out and "+25.00 %" in out and "-31.67 % … 81.67 %" in out and "machines" not in out


@pytest.mark.parametrize(("b", "verdict"), [([0.8, 0.81], "B is higher"), ([0.2, 0.21], "B is lower")])
def test_more_than_chance(b, verdict):
    assert contrast([0.5, 0.51], b)["verdict"] == verdict


def test_time_and_memory_are_compared_too(tmp_path):
    found = figures(write(tmp_path / "a", [0.5, 0.6]), write(tmp_path / "b", [0.5, 0.6, 0.7]))
    assert found["seconds"]["A"]["mean"] == 10.5 and found["seconds"]["B"]["mean"] == 11.0
    assert found["host_MiB"]["B"] == {"n": 3, "mean": 3.0, "std": 0.0} and "gpu_MiB" not in found
    assert found["host_MiB"]["interval"] == [0.0, 0.0] and found["host_MiB"]["verdict"] == "no difference can be told"


def test_one_seed_is_too_little(tmp_path, capsys):
    found = figures(write(tmp_path / "a", [0.5]), write(tmp_path / "b", [0.6, 0.7]))["test_accuracy"]
    assert found["verdict"] == "too little data to tell: A has 1 seed" and found["difference"] == pytest.approx(0.15)
    assert "interval" not in found and "std" not in found["A"]
    assert contrast([], [])["verdict"] == "too little data to tell: A has no seeds, B has no seeds"


def test_the_same_seed_again_is_no_evidence(tmp_path):
    found = figures(write(tmp_path / "a", [0.5, 0.75], seeds=[3, 3]), write(tmp_path / "b", [0.6, 0.7]))["test_accuracy"]
    assert found["verdict"] == "too little data to tell: A has 1 seed"
    assert found["A"] == {"n": 1, "mean": 0.625}  # as zoo report has it


@pytest.mark.parametrize("missing", ["data", "flags", "seed", "machine", "peak_memory", "seconds"])
def test_what_is_no_result_is_one_line(tmp_path, missing):
    file = write(tmp_path / "a", [0.5]) / "0.json"
    file.write_text(json.dumps({name: value for name, value in json.loads(file.read_text()).items() if name != missing}))
    with pytest.raises(UserError, match=f"0.json lacks '{missing}'"):
        compare(file, file)
    file.write_text("[]")
    with pytest.raises(UserError, match="expected an object"):
        compare(file, file)


def test_times_of_different_machines_say_nothing(tmp_path, capsys):
    a, b = write(tmp_path / "a", [0.5, 0.6]), write(tmp_path / "b", [0.8, 0.81], machine={**MACHINE, "threads": 1})
    found = figures(a, b)
    assert found["seconds"]["verdict"] == "on different machines, times say nothing"
    assert found["test_accuracy"]["verdict"] == "no difference can be told"
    assert "machines: Z80, threads 2, cores 4; Z80, threads 1, cores 4" in capsys.readouterr().out


@pytest.mark.parametrize(("a", "b", "who"), [([math.nan, 1.0], [1.0, 2.0], "A"), ([math.inf, 1.0], [1.0, math.nan], "A and B")])
def test_figures_that_are_not_finite_allow_no_conclusion(a, b, who):
    found = contrast(a, b)
    assert found["verdict"] == f"{who} not finite" and "interval" not in found


def test_runs_with_other_flags_are_compared_where_it_is_plain_which(tmp_path, capsys):
    a, b = write(tmp_path / "a", [0.5, 0.6], lr=1.0), write(tmp_path / "b", [0.8, 0.9], lr=0.5)
    (pair,) = report(a, b)["compared"]
    assert (pair["A"], pair["B"]) == ("mnist_cnn on toy (00000000), epochs 1, lr 1.0", "mnist_cnn on toy (00000000), epochs 1, lr 0.5")
    write(b, [0.7, 0.8], lr=0.25)  # now it is not plain
    with pytest.raises(UserError, match="nothing in common"):
        report(a, b)
    write(b, [0.7, 0.8], lr=1.0)  # now it is again
    found = report(a, b)
    assert [pair["A"] for pair in found["compared"]] == ["mnist_cnn on toy (00000000), epochs 1, lr 1.0"]
    assert [each.split()[-1] for each in found["only_B"]] == ["0.5", "0.25"] and not found["only_A"]
    assert "only in B: mnist_cnn on toy (00000000), epochs 1, lr 0.25" in capsys.readouterr().out


@pytest.mark.parametrize("other", [{"example": "vae"}, {"sha": "1" * 64}])
def test_nothing_in_common(tmp_path, capsys, other):
    with pytest.raises(UserError, match="A and B have nothing in common"):
        compare(write(tmp_path / "a", [0.5, 0.6]), write(tmp_path / "b", [0.5, 0.6], **other))
    out = capsys.readouterr().out
    assert "only in A: mnist_cnn on toy" in out and f"only in B: {other.get('example', 'mnist_cnn')} on toy" in out


def test_a_side_is_a_run_a_file_or_a_folder_of_either(tmp_path):
    a = write(tmp_path / "a", [0.5, 0.6])
    for number in (0, 1):
        run = tmp_path / "runs" / str(number)
        run.mkdir(parents=True)
        (run / "config.json").touch()
        (a / f"{number}.json").rename(run / "results.json")
    (tmp_path / "runs" / "unfinished").mkdir()
    (tmp_path / "runs" / "unfinished" / "config.json").touch()
    b = write(tmp_path / "b", [0.7])
    for side, count in ((tmp_path / "runs", 2), (run, 1), (run / "results.json", 1)):
        assert figures(side, b / "0.json")["test_accuracy"]["A"]["n"] == count
    for side, complaint in ((a, "no finished run"), (tmp_path / "nothing", "no finished run"), (run.parent / "unfinished", "not finished")):
        with pytest.raises(UserError, match=complaint):
            compare(side, b)


@pytest.mark.parametrize("name", [name for name, _ in examples()])
def test_committed_runs_are_shown_in_80_columns(name, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    compare(ZOO / name / "results", ZOO / name / "results")
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80 and "…" not in out.replace(" … ", "")  # nothing is cut off
    if name == "mnist_cnn":
        assert "99.19 %" in out and "± 0.04 %, n 3" in out and "only in" not in out
