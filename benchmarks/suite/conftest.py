"""Which library is timed: with `--library torch`, `import framework` gives PyTorch in everything that follows."""

import importlib

import pytest

from benchmarks.worker import answer_with_torch


def pytest_addoption(parser):
    parser.addoption("--library", choices=["framework", "torch"], default="framework", help="what `import framework` gives")
    parser.addoption("--threads", type=int, help="how many threads compute")


def pytest_configure(config):
    if config.getoption("library") == "torch":
        answer_with_torch()
    framework = importlib.import_module("framework")
    framework.set_num_threads(config.getoption("threads") or framework.get_num_threads())


@pytest.fixture(autouse=True)
def seed():
    importlib.import_module("framework").manual_seed(0)


def pytest_benchmark_update_machine_info(config, machine_info):
    """What the times are of; and not what the machine is called, nor all that its processor can."""
    framework = importlib.import_module("framework")
    machine_info |= {"library": config.getoption("library"), "version": framework.__version__, "threads": framework.get_num_threads()}
    machine_info["cpu"] = {"brand_raw": machine_info["cpu"].get("brand_raw", machine_info["machine"])}
    del machine_info["node"]


def pytest_benchmark_update_json(config, benchmarks, output_json):
    """What the report reads: without each single time the files are small."""
    for each in output_json["benchmarks"]:
        each["stats"] = {name: each["stats"][name] for name in ("min", "q1", "median", "q3", "max", "rounds", "iterations")}
        del each["options"]
