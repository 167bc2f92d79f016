"""One page on any runs: what they reached, beside the published figures, and how each is repeated."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import tyro

from framework.serialization import write_atomically
from zoo.common.errors import UserError

Runs = Annotated[
    tuple[Path, ...],
    tyro.conf.Positional,
    tyro.conf.arg(metavar="RUN…", help="Run directories, finished or not, committed result files, files of benchmarks.suite."),
]
Out = Annotated[Path, tyro.conf.arg(metavar="DIR", help="Where report.html, report.md and report.json are written.")]


def report(runs: Runs, *, out: Out) -> None:
    """Make one page on any runs, to be read without a network, the same as Markdown, and its figures as JSON."""
    files, summary = pages(runs)
    out.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        write_atomically(out / name, text.encode(errors="replace"))  # the name of a file need not be Unicode
    print(f"{out / 'report.html'}: {summary}")


def pages(runs: Iterable[Path]) -> tuple[dict[str, str], str]:
    """The files of a report, by their names, and how much was read for them."""
    from zoo.reports import as_html, as_markdown, groups, page, records, timings  # only now: importing Matplotlib takes a while

    read, timed, unread = records.read_all(runs)
    if not read and not timed:
        raise UserError("; ".join(f"{each.path}: {each.reason}" for each in unread) or "say which runs the report is to be on")
    examples = groups.examples_of(read)
    figures = groups.as_json(examples, timed, unread)
    files = {"report.json": json.dumps(figures, indent=2, ensure_ascii=False, allow_nan=False) + "\n"}
    for to, kind in ((as_html, "html"), (as_markdown, "md")):
        files[f"report.{kind}"] = to.whole(page.tell(to, examples, unread, timed=bool(timed)))
        if timed:
            files[f"timings.{kind}"] = to.whole(timings.tell(to, timed))
    return files, f"{len(read) + len(timed):,} read, {len(unread):,} that could not be read"
