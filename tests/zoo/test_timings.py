"""The page of timings: medians and ratios of several processes, what is missing or damaged, and the suite that the files come from."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.zoo.test_reports import Page, check, documented, needs_a_browser, on_a_phone, write_run
from zoo.common.errors import UserError
from zoo.reports import pages, report
from zoo.reports.timings import _written

ROOT = Path(__file__).parents[2]


def write_timings(path: Path, library: str, **medians: float) -> Path:
    """A file as benchmarks/suite leaves it, of things that take so many seconds, half of the rounds between 0.9 and 1.2 times as many."""
    told = {
        "machine_info": {"library": library, "version": "1.0", "threads": 2, "cpu": {"brand_raw": "a processor"}},
        "commit_info": {"id": "5c" * 20, "dirty": False},
        "benchmarks": [
            {
                "group": "ops", "name": f"test_forward[{name}]", "params": {"op": name},
                "stats": {"median": median, "q1": 0.9 * median, "q3": 1.2 * median, "rounds": 7},
            }
            for name, median in medians.items()
        ],
    }  # fmt: skip
    path.write_text(json.dumps(told))
    return path


def test_processes_are_put_together(tmp_path):
    files = [
        write_timings(tmp_path / "1.json", "torch", add=4e-3, exp=1e-6),
        write_timings(tmp_path / "2.json", "framework", add=1e-3, exp=2e-6, only=1.0),
        write_timings(tmp_path / "3.json", "framework", add=3e-3, exp=2e-6),
    ]
    report(files, out=tmp_path)
    page, text = Page((tmp_path / "timings.html").read_text()), (tmp_path / "timings.md").read_text()
    head, *rows = page.tables[0]
    assert head == ["name", "framework", "quartiles", "torch", "quartiles", "framework / torch"]
    assert rows == [
        ["add", "2 ms", "(900 µs … 3.6 ms)", "4 ms", "(3.6 ms … 4.8 ms)", "0.50"],
        ["exp", "2 µs", "(1.8 µs … 2.4 µs)", "1 µs", "(900 ns … 1.2 µs)", "2.00"],
        ["only", "1 s", "(900 ms … 1.2 s)", "–", "–", "–"],
    ]
    for said in (
        "The time of 3 single things",
        "1.00 in the geometric mean, 1 of 2 below 1",
        "torch 1.0, a processor, threads 2, commit 5c5c5c5c",
    ):
        assert said in page.words and said in text
    whole = json.loads((tmp_path / "report.json").read_text())
    check(whole, "", documented())
    found = whole["timings"]
    assert [each["library"] for each in found] == ["torch", "framework", "framework"]
    assert found[0]["timings"][1] == {"group": "ops", "name": "exp", "median": 1e-6, "q1": 9e-7, "q3": 1.2e-6, "rounds": 7}


def test_one_library_has_no_ratio(tmp_path):
    report([write_timings(tmp_path / "ours.json", "framework", add=1.0)], out=tmp_path)
    assert Page((tmp_path / "timings.html").read_text()).tables[0][0] == ["name", "framework", "quartiles"]
    assert "geometric mean" not in (tmp_path / "timings.md").read_text()


def test_the_report_on_runs_leads_to_it(tmp_path):
    report([write_run(tmp_path / "run"), write_timings(tmp_path / "ours.json", "framework", add=1.0)], out=tmp_path / "both")
    assert ("a", {"href": "timings.html"}) in Page((tmp_path / "both" / "report.html").read_text()).tags
    assert "(timings.md)" in (tmp_path / "both" / "report.md").read_text()
    report([tmp_path / "run"], out=tmp_path / "runs")
    assert not list((tmp_path / "runs").glob("timings*")) and "timings.html" not in (tmp_path / "runs" / "report.html").read_text()


@pytest.mark.parametrize("damage", [{"benchmarks": 3}, {"benchmarks": [{}]}, {"machine_info": {}}, {"commit_info": None}])
def test_what_is_damaged_is_said(tmp_path, damage):
    file = write_timings(tmp_path / "ours.json", "framework", add=1.0)
    file.write_text(json.dumps({**json.loads(file.read_text()), **damage}))
    with pytest.raises(UserError, match="ours.json: its benchmarks are not as those of benchmarks/suite"):
        report([file], out=tmp_path)


@pytest.mark.parametrize(
    "seconds, written",
    [(0.0, "0 ns"), (3.14159e-9, "3.14 ns"), (0.99e-6, "990 ns"), (412.3e-3, "412 ms"), (12.0, "12 s"), (4321.0, "4321 s")],
)
def test_a_time_is_written_in_its_unit(seconds, written):
    assert _written(seconds) == written


def test_the_suite_runs_and_its_files_are_read(tmp_path):
    command = ["-m", "benchmarks.suite", "-k", "where or PixelShuffle or subset", "--rounds", "1", "--out", tmp_path]
    alone = {name: value for name, value in os.environ.items() if name != "PYTEST_XDIST_WORKER"}  # with it nothing would be timed
    done = subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True, cwd=ROOT, env=alone)
    assert done.returncode == 0, done.stdout + done.stderr
    report([tmp_path / "framework-0.json"], out=tmp_path)
    (found,) = json.loads((tmp_path / "report.json").read_text())["timings"]
    assert [(each["group"], each["name"]) for each in found["timings"]] == [
        ("data loading", "of a subset of two sets"),
        ("layers, forward and backward", "PixelShuffle"),
        ("ops, forward", "where"),
        ("ops, forward and backward", "where"),
    ]
    assert all(0 < each["q1"] <= each["median"] <= each["q3"] and each["rounds"] >= 5 for each in found["timings"])


def test_the_committed_page_is_what_its_files_say(monkeypatch):
    monkeypatch.chdir(ROOT / "benchmarks" / "results")
    assert Path("suite.md").read_text() == pages(sorted(Path("suite").glob("*.json")))[0]["timings.md"]


def test_all_of_the_suite_runs():
    command = [sys.executable, "-m", "pytest", "benchmarks/suite", "--benchmark-disable", "-p", "no:cacheprovider"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_a_browser
def test_in_a_browser_it_is_no_wider_than_a_phone(tmp_path):
    files = [write_timings(tmp_path / f"{name}.json", name, **{"a long name of a thing " * 9: 1.0}) for name in ("framework", "torch")]
    report(files, out=tmp_path)
    found = on_a_phone(tmp_path / "timings.html")
    assert found["inner"] == 390 and found["scroll"] <= 390 and found["errors"] == []
