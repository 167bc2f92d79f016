"""Tables of what was reached: from committed run files, zoo/<example>/results/*.json, beside the published figures."""

import importlib
import json
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import zoo
from framework.serialization import write_atomically

BEGIN, END = "<!-- results -->", "<!-- /results -->"


@dataclass(frozen=True)
class Published:
    """A figure from the literature: a metric of results.json, its value on a data set, and where it stands."""

    metric: str
    value: float
    data: str
    source: str


def examples() -> Iterator[tuple[str, Any]]:
    """The name and the package of every example: every package of the zoo that can be run."""
    for module in pkgutil.iter_modules(zoo.__path__):
        if (Path(zoo.__path__[0]) / module.name / "__main__.py").exists():
            yield module.name, importlib.import_module(f"zoo.{module.name}")


def committed(package: Any) -> list[list[dict[str, Any]]]:
    """The committed runs of an example, those that differ only in their seed together."""
    groups: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for path in sorted((Path(package.__file__).parent / "results").glob("*.json")):
        run = json.loads(path.read_text())
        groups.setdefault((run["data"]["name"], run["flags"]["epochs"]), []).append(run)
    return list(groups.values())


def spread(runs: list[dict[str, Any]], metric: str) -> str:
    """Mean ± standard deviation over the runs; without the latter for a single one."""
    values = [run["metrics"][metric] for run in runs]
    deviation = f" ± {shown(metric, stdev(values))}" if len(values) > 1 else ""
    return shown(metric, mean(values)) + deviation


def shown(metric: str, value: float) -> str:
    """A figure in its unit: per cent for accuracies."""
    return f"{100 * value:.2f} %" if metric.endswith("accuracy") else f"{value:.4f}"


def table(package: Any) -> str:
    """The results of an example in Markdown, a row for each data set and number of epochs."""
    groups = committed(package)
    metrics = list(dict.fromkeys(metric for runs in groups for metric in runs[0]["metrics"]))
    names = [metric.replace("_", " ") for metric in metrics]
    head = ["data", "epochs", "seeds", *names, "published", "time", "machine"]
    lines = [head, ["---"] * len(head)]
    notes = []
    for runs in groups:
        first = runs[0]
        published = [figure for figure in package.PUBLISHED if figure.data == first["data"]["name"]]
        notes += [figure for figure in published if figure not in notes]
        lines.append(
            [
                f"{first['data']['name']} ({first['data']['origin']})",
                str(first["flags"]["epochs"]),
                str(len(runs)),
                *(spread(runs, metric) if metric in first["metrics"] else "" for metric in metrics),
                ", ".join(f"{shown(figure.metric, figure.value)} [{notes.index(figure) + 1}]" for figure in published),
                f"{mean(run['seconds'] for run in runs):.0f} s",
                f"{first['machine']['gpu'] or first['machine']['cpu']}, {first['machine']['threads']} threads",
            ]
        )
    rows = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return rows + "".join(f"\n\n[{number}] {figure.source}" for number, figure in enumerate(notes, 1))


def fill(readme: Path, content: str) -> None:
    """Replace what stands between the two markers of a README."""
    before, _, rest = readme.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    write_atomically(readme, f"{before}{BEGIN}\n{content}\n{END}{after}".encode())
