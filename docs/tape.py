"""Draws docs/tape.png, the picture in autograd.md: the tape of a loss, as `backward` will walk it."""

from pathlib import Path

from matplotlib.figure import Figure

import framework as torch

LEAF, NODE, ARROW = "#d9ead3", "#dce6f5", "#444444"


def example():
    """The loss of autograd.md, and the names of its leaves."""
    x, y = torch.randn(8), torch.randn(8)
    w, b = torch.tensor(0.5, requires_grad=True), torch.tensor(0.0, requires_grad=True)
    loss = ((torch.tanh(w * x + b) - y) ** 2).mean() + 0.1 * w**2
    return loss, {w: "w", b: "b"}


def levels(root) -> dict:
    """{Node or leaf: its distance from the root}, the longest way."""
    level, stack = {root: 0}, [root]
    while stack:
        node = stack.pop()
        for behind, _ in getattr(node, "next_functions", ()):
            if behind is not None and level.get(behind, -1) <= level[node]:
                level[behind] = level[node] + 1
                stack.append(behind)
    return level


def rows(root) -> dict:
    """{Node or leaf: its row}: the first branch of a Node stays in the Node's row, every other one begins a new row below."""
    row, last = {}, 0

    def place(node, here):
        nonlocal last
        row[node] = here
        for branch, behind in enumerate(behind for behind, _ in getattr(node, "next_functions", ()) if behind is not None):
            if behind not in row:
                last += branch > 0
                place(behind, last if branch else here)

    place(root, 0)
    return row


def draw(loss, names: dict, path: Path) -> None:
    level = levels(loss.grad_fn)
    places = {node: (1.3 * level[node], -0.9 * row) for node, row in rows(loss.grad_fn).items()}
    figure = Figure(figsize=(12, 3), layout="constrained")
    axes = figure.subplots()
    axes.axis("off")
    axes.text(-1.1, 0, "loss", ha="center", va="center", fontsize=12)
    axes.annotate("", (-0.72, 0), (-0.9, 0), arrowprops={"arrowstyle": "-|>", "color": ARROW})
    for node, (x, y) in places.items():
        leaf = node in names
        text = f"{names[node]}.grad" if leaf else node.name().removesuffix("Backward0")
        box = {"boxstyle": "round,pad=0.45", "facecolor": LEAF if leaf else NODE, "edgecolor": ARROW}
        axes.text(x, y, text, ha="center", va="center", fontsize=11, bbox=box)
        for behind, _ in () if leaf else node.next_functions:
            if behind is not None:
                arrow = {"arrowstyle": "-|>", "color": ARROW, "shrinkA": 24, "shrinkB": 24}
                axes.annotate("", places[behind], (x, y), arrowprops=arrow)
    axes.set_xlim(-1.5, max(x for x, _ in places.values()) + 0.8)
    axes.set_ylim(min(y for _, y in places.values()) - 0.6, 0.6)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    draw(*example(), Path(__file__).with_name("tape.png"))
