"""The parts of a report in Markdown, without pictures: as_html.py has the same functions and more."""

import re
from collections.abc import Iterable, Sequence

from zoo.reports.cells import Cell, Number

ILLUSTRATED = False


def whole(parts: Iterable[str]) -> str:
    return "\n\n".join(filter(None, parts)) + "\n"


def heading(level: int, content: str) -> str:
    return f"{'#' * level} {text(content)}"


def contents(headings: Sequence[str]) -> str:
    return ""


def link(page: str, content: str) -> str:
    return f"[{text(content)}]({page}.md)"


def text(content: str) -> str:
    """One line, in which nothing means anything to Markdown."""
    return re.sub(r"([\\`*\[\]<>|&#])", r"\\\1", " ".join(content.split()))


def facts(content: dict[str, str]) -> str:
    return "\n".join(f"- {text(name)}: {text(fact)}" for name, fact in content.items())


def table(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    written = [[text(cell.written if isinstance(cell, Number) else cell) for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in [columns, ["---"] * len(columns), *written])


def code(lines: Iterable[str]) -> str:
    return "\n".join(f"    {line}" for each in lines for line in each.splitlines())  # indented: a fence could be closed by the code
