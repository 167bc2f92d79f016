"""The parts of a report in HTML. All text is escaped here, and nowhere else; as_markdown.py has the same functions."""

import base64
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import quote

from zoo.reports.cells import Cell, Number

ILLUSTRATED = True
FRAME = Path(__file__).parent / "frame.html"


def whole(parts: Iterable[str]) -> str:
    """The page: it loads nothing, and forbids the browser to."""
    return Template(FRAME.read_text(encoding="utf-8")).substitute(body="\n".join(parts))


def heading(level: int, text: str) -> str:
    place = f' id="{quote(text)}"' if level == 2 else ""
    return f"<h{level}{place}>{escape(text)}</h{level}>"


def contents(headings: Sequence[str]) -> str:
    """Links to headings of the second level."""
    links = (f'<a href="#{quote(each)}">{escape(each)}</a>' for each in headings)
    return f"<nav>{' '.join(links)}</nav>"


def link(page: str, content: str) -> str:
    """To the page of that name beside this one."""
    return f'<p><a href="{quote(page)}.html">{escape(content)}</a></p>'


def text(content: str) -> str:
    return f"<p>{escape(content)}</p>"


def facts(content: dict[str, str]) -> str:
    """Names and what is to be said of them."""
    return f"<dl>{''.join(f'<dt>{escape(name)}</dt><dd>{escape(fact)}</dd>' for name, fact in content.items())}</dl>"


def table(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """A table in a box of its own, which scrolls; a click on a column's name sorts by it."""
    numeric = [any(isinstance(row[i], Number) for row in rows) for i in range(len(columns))]
    kinds = [' class="number"' if each else "" for each in numeric]
    head = "".join(f"<th{kind}><button>{escape(name)}</button></th>" for name, kind in zip(columns, kinds, strict=True))
    body = "\n".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></div>'


def _cell(cell: Cell) -> str:
    if isinstance(cell, Number):
        return f'<td class="number" data-value="{"" if cell.value is None else cell.value}">{escape(cell.written)}</td>'
    return f"<td>{escape(cell)}</td>"


def code(lines: Iterable[str]) -> str:
    return f"<pre>{'<br>'.join(map(escape, lines))}</pre>"


def drawings(elements: Iterable[str]) -> str:
    """Elements <svg>, side by side where there is room."""
    return f'<div class="drawings">{"".join(elements)}</div>'


def picture(png: bytes, caption: str) -> str:
    source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    return f'<figure><img src="{source}" alt="{escape(caption)}"><figcaption>{escape(caption)}</figcaption></figure>'
