"""Writes docs/reference.md: every public name with the sentence of its docstring, and what of PyTorch's behaviour it leaves out.

The sentences are read from the code; what is left out stands in left_out.toml.  `python docs/reference.py --check` says whether the
page is what this would write.
"""

import inspect
import operator
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import framework

HERE = Path(__file__).parent
HOMES = {  # where public names are, and what the page says of it
    "framework": "Functions, types and constructors",
    "Tensor": "Methods of tensors; those of the same name as a function do the same, and `name_` does it in place",
    "autograd": "Differentiation",
    "autograd.functional": "Derivatives of functions",
    "linalg": "Linear algebra",
    "nn": "Layers",
    "nn.functional": "The functions behind the layers",
    "nn.init": "Initial values",
    "nn.parallel": "Several devices",
    "nn.utils": "Helpers for parameters and gradients",
    "nn.utils.rnn": "Sequences of different lengths",
    "optim": "Optimizers",
    "optim.lr_scheduler": "Schedules of the learning rate",
    "utils.data": "Data",
    "distributions": "Random variables",
    "cuda": "NVIDIA GPUs",
    "accelerator": "Whatever accelerator there is",
}


def find(path: str):
    return framework if path == "framework" else operator.attrgetter(path)(framework)


def names(home) -> list[str]:
    """The public names of a module or class: what it offers itself, not what it imports to work with."""
    offered = getattr(home, "__all__", None) or [each for each in dir(home) if not each.startswith("_")]
    if inspect.ismodule(home) and not hasattr(home, "__all__") and not hasattr(home, "__path__"):
        shared = ("is_available", "device_count")
        offered = [each for each in offered if each in shared or getattr(getattr(home, each), "__module__", None) == home.__name__]
    return sorted(each for each in offered if isinstance(getattr(home, each), (Callable, property, framework.dtype)))


def sentence(value) -> str:
    """The first sentence of the docstring; of a constant, what it is."""
    if not callable(value) and not isinstance(value, property):
        return f"`{value!r}`"
    text = " ".join((inspect.getdoc(value) or "").split("\n\n")[0].split())
    return text.replace("|", "\\|")


def page() -> str:
    left_out = tomllib.loads((HERE / "left_out.toml").read_text())
    lines = [
        "# Reference",
        "",
        "Every public name, made from the code by `python docs/reference.py`. Arguments, defaults, results and errors are PyTorch's; the",
        "last column says what of PyTorch's behaviour is left out or different. For all of them:",
        "",
        *(f"- {each}" for each in left_out["everywhere"]),
    ]
    unused = {home: dict(left_out.get(home, {})) for home in HOMES}
    for home, title in HOMES.items():
        lines += ["", f"## {home}", "", f"{title}.", "", "| name | | left out |", "|---|---|---|"]
        functions = set(names(framework)) if home == "Tensor" else ()
        for name in names(find(home)):
            note = unused[home].pop(name, "")
            if name.removesuffix("_") not in functions or note:
                lines.append(f"| `{name}` | {sentence(getattr(find(home), name))} | {note} |")
    forgotten = [f"{home}.{name}" for home, notes in unused.items() for name in notes]
    if forgotten:
        raise SystemExit(f"left_out.toml speaks of names that are not there: {', '.join(forgotten)}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    target = HERE / "reference.md"
    if "--check" in sys.argv:
        sys.exit(0 if target.read_text() == page() else f"{target} is out of date: run python docs/reference.py")
    target.write_text(page())
