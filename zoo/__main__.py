"""The examples of the zoo and what they reached: python -m zoo."""

import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

import zoo
from zoo.common.cli import main
from zoo.common.compare import compare
from zoo.common.reproduce import reproduce
from zoo.common.results import committed, examples, fill, overview, settings, spread, table
from zoo.reports import report
from zoo.reports.benchmark import benchmark


def show() -> None:
    """The examples, a line each, with what their committed runs reached (mean ± spread over seeds)."""
    shown = Table("example", "what it is", "results", box=None, header_style="bold")
    for name, package in examples():
        reached, groups = [], committed(package)
        for data in dict.fromkeys(runs[0]["data"]["name"] for runs in groups):
            alike = [runs for runs in groups if runs[0]["data"]["name"] == data]
            for runs, setting in zip(alike, settings(alike), strict=True):
                metric = next(metric for metric in package.METRICS if metric in runs[0]["metrics"])
                which = f" ({setting})" if len(alike) > 1 else ""
                reached.append(f"{metric.replace('_', ' ')} {spread(package, runs, metric)} on {data}{which}")
        shown.add_row(name, package.__doc__.splitlines()[0], "\n".join(reached) or "none yet")
    Console().print(shown)
    print("python -m zoo.<example> --help says what to do with one")


def tables() -> None:
    """Write the results tables of the examples' READMEs, and the zoo's, anew from their committed runs."""
    for name, package in examples():
        readme = Path(package.__file__).parent / "README.md"
        fill(readme, table(package))
        print(f"{name}: results of {readme} written")
    fill(Path(zoo.__file__).parent / "README.md", overview())


sys.argv[1:] = sys.argv[1:] or ["list"]
main("zoo", __doc__, {"list": show, "tables": tables, "report": report, "benchmark": benchmark, "reproduce": reproduce, "compare": compare})
