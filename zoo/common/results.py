"""Tables of what was reached: from committed run files, zoo/<example>/results/*.json, beside the published figures."""

import importlib
import json
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import zoo
from framework.serialization import write_atomically
from zoo.common.published import Published
from zoo.common.run import FREE

BEGIN, END = "<!-- results -->", "<!-- /results -->"


def examples() -> Iterator[tuple[str, Any]]:
    """The name and the package of every example: every package of the zoo that can be run."""
    for module in pkgutil.iter_modules(zoo.__path__):
        if (Path(zoo.__path__[0]) / module.name / "__main__.py").exists():
            yield module.name, importlib.import_module(f"zoo.{module.name}")


def setting(flags: dict[str, Any]) -> str:
    """The flags that runs have in common which differ only in their seed, as a key."""
    return json.dumps({name: value for name, value in flags.items() if name not in (*FREE, "seed")}, sort_keys=True)


def committed(package: Any) -> list[list[dict[str, Any]]]:
    """The committed runs of an example, those that differ only in their seed together."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for path in sorted((Path(package.__file__).parent / "results").glob("*.json")):
        run = json.loads(path.read_text(encoding="utf-8"))
        groups.setdefault((run["data"]["sha256"], setting(run["flags"])), []).append(run)
    return list(groups.values())


def shown(package: Any, metric: str, value: float) -> str:
    """A figure as the example writes it."""
    return package.METRICS[metric].format(value).replace("%", " %")


def spread(package: Any, runs: list[dict[str, Any]], metric: str) -> str:
    """Mean ± standard deviation over the runs; without the latter for a single one, nothing if they have no such figure."""
    values = [run["metrics"][metric] for run in runs if metric in run["metrics"]]
    figures = [mean(values), stdev(values)] if len(values) > 1 else values
    return " ± ".join(shown(package, metric, figure) for figure in figures)


def settings(groups: list[list[dict[str, Any]]]) -> list[str]:
    """What each group was started with: its epochs, and what differs between groups ("–" is a flag that there was not yet)."""
    flags = [{name: value for name, value in runs[0]["flags"].items() if name not in (*FREE, "seed")} for runs in groups]
    names = dict.fromkeys(name for each in flags for name in each)
    named = [name for name in names if name == "epochs" or len({json.dumps(each.get(name)) for each in flags}) > 1]
    return [", ".join(f"{name.replace('_', ' ')} {each.get(name, '–')}" for name in named) for each in flags]


def table(package: Any) -> str:
    """The results of an example in Markdown, a row for each group of runs."""
    groups = committed(package)
    if not groups:
        return "No full run has been committed yet."
    metrics = [metric for metric in package.METRICS if any(metric in runs[0]["metrics"] for runs in groups)]
    lines = [["data", "setting", "seeds", *(metric.replace("_", " ") for metric in metrics), "published", "time", "machine"]]
    lines += [["---"] * len(lines[0])]
    notes: list[Published] = []
    for runs, setting in zip(groups, settings(groups), strict=True):
        published = [figure for figure in package.PUBLISHED if figure.about(runs[0])]
        notes += [figure for figure in published if figure not in notes]
        lines.append(
            [
                f"{runs[0]['data']['name']} ({runs[0]['data']['origin']})",
                setting,
                str(len(runs)),
                *(spread(package, runs, metric) for metric in metrics),
                ", ".join(f"{shown(package, figure.metric, figure.value)} [{notes.index(figure) + 1}]" for figure in published),
                *_cost(runs),
            ]
        )
    return _markdown(lines) + "".join(f"\n\n[{number}] {figure.source}" for number, figure in enumerate(notes, 1))


def overview() -> str:
    """All examples' results in Markdown: for each group of runs its first metric, beside what was published."""
    lines = [["example", "paper", "data", "setting", "metric", "published", "ours", "seeds", "time", "machine", "lines of code"]]
    lines += [["---"] * len(lines[0])]
    for name, package in examples():
        folder = Path(package.__file__).parent
        code = sum(len((folder / f"{part}.py").read_text(encoding="utf-8").splitlines()) for part in ("model", "train", "evaluate"))
        groups = committed(package)
        for runs, setting in zip(groups, settings(groups), strict=True):
            metric = next(metric for metric in package.METRICS if metric in runs[0]["metrics"])
            published = [shown(package, metric, each.value) for each in package.PUBLISHED if each.metric == metric and each.about(runs[0])]
            head = [f"[{name}]({name}/README.md)", package.PAPER] if runs is groups[0] else ["", ""]
            lines.append(
                [
                    *head,
                    f"{runs[0]['data']['name']} ({runs[0]['data']['origin']})",
                    setting,
                    metric.replace("_", " "),
                    ", ".join(published) or "–",
                    spread(package, runs, metric),
                    str(len(runs)),
                    *_cost(runs),
                    str(code) if runs is groups[0] else "",
                ]
            )
    return _markdown(lines)


def _cost(runs: list[dict[str, Any]]) -> tuple[str, str]:
    """The mean time of a run, and the machine, or the machines."""
    machines = [run["machine"] for run in runs]
    names = [f"{each['gpu'] or each['cpu']}, {each['threads']} thread{'s' * (each['threads'] > 1)}" for each in machines]
    return f"{mean(run['seconds'] for run in runs):,.0f} s", " / ".join(dict.fromkeys(names))


def _markdown(lines: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def fill(readme: Path, content: str) -> None:
    """Replace what stands between the two markers of a README."""
    before, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    write_atomically(readme, f"{before}{BEGIN}\n{content}\n{END}{after}".encode())
