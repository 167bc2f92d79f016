"""One page on any runs: what they reached, beside the published figures, and how each is repeated."""

import json
from pathlib import Path
from typing import Annotated

import tyro

from framework.serialization import write_atomically
from zoo.common.errors import UserError

Runs = Annotated[
    tuple[Path, ...],
    tyro.conf.Positional,
    tyro.conf.arg(metavar="RUN…", help="Run directories, finished or not, and committed result files (*.json)."),
]
Out = Annotated[Path, tyro.conf.arg(metavar="DIR", help="Where report.html, report.md and report.json are written.")]


def report(runs: Runs, *, out: Out) -> None:
    """Make one page on any runs, to be read without a network, the same as Markdown, and its figures as JSON."""
    from zoo.reports import as_html, as_markdown, groups, page, records  # only now: importing Matplotlib takes a while

    read, unread = records.read_all(runs)
    if not read:
        raise UserError("; ".join(f"{each.path}: {each.reason}" for each in unread) or "say which runs the report is to be on")
    examples = groups.examples_of(read)
    written = {
        "report.html": as_html.whole(page.tell(as_html, examples, unread)),
        "report.md": as_markdown.whole(page.tell(as_markdown, examples, unread)),
        "report.json": json.dumps(groups.as_json(examples, unread), indent=2, ensure_ascii=False, allow_nan=False) + "\n",
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, text in written.items():
        write_atomically(out / name, text.encode(errors="replace"))  # the name of a file need not be Unicode
    print(f"{out / 'report.html'}: {len(read):,} read, {len(unread):,} that could not be read")
