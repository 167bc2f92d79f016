"""Draws docs/tape.png, the picture in autograd.md: the tape of a linear regression's loss, as `backward` will walk it."""

from pathlib import Path

from matplotlib.figure import Figure

import framework as torch

LEAF, NODE, ARROW = "#d9ead3", "#dce6f5", "#444444"


def regression():
    """loss = mean((x w + b - y)^2), and the names of its leaves."""
    x, y = torch.randn(8, 3), torch.randn(8)
    w, b = torch.randn(3, requires_grad=True), torch.zeros(1, requires_grad=True)
    return ((x @ w + b - y) ** 2).mean(), {w: "w", b: "b"}


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


def draw(loss, names: dict, path: Path) -> None:
    level = levels(loss.grad_fn)
    places, rows = {}, {}
    for node, depth in sorted(level.items(), key=lambda item: item[1]):
        row = rows[depth] = rows.get(depth, -1) + 1
        places[node] = (1.75 * depth, -1.1 * row)
    figure = Figure(figsize=(2.1 * max(level.values()) + 2.6, 2.6), layout="constrained")
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
                arrow = {"arrowstyle": "-|>", "color": ARROW, "shrinkA": 30, "shrinkB": 30}
                axes.annotate("", places[behind], (x, y), arrowprops=arrow)
    axes.set_xlim(-1.5, max(x for x, _ in places.values()) + 0.8)
    axes.set_ylim(min(y for _, y in places.values()) - 0.6, 0.6)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    draw(*regression(), Path(__file__).with_name("tape.png"))
