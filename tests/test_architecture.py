"""The house rules of docs/architecture.md: imports go one way, files can be read in one sitting, nothing slow is imported unasked."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted(each.relative_to(ROOT) for each in [*ROOT.glob("framework/**/*.py"), *ROOT.glob("zoo/**/*.py")])
FLOORS = [  # from the ground up; a file may import from its own floor and from those below
    {"device", "dtypes", "offered", "threads", "random", "size"},
    {"autograd"},
    {"ops"},
    {"creation", "sampling", "printing", "serialization", "methods", "tensor", "backends", "linalg"},
    {"nn"},
    {"optim", "distributions"},
    {"utils"},
    {"kernels"},
    {"cuda", "accelerator"},
]
# Imported inside a function, or above its floor, for a reason:
EXCEPTIONS = {
    ("framework/random.py", "autograd"), ("framework/autograd/inplace.py", "ops"), ("framework/autograd/functional.py", "ops"),
    ("framework/serialization/pytorch_file.py", "nn"),
}  # fmt: skip


def imports(path: Path) -> list:
    """(module, names) of every import in a file, relative ones resolved."""
    package = ".".join(path.parts[:-1])
    found = []
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import):
            found += [(each.name, None) for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*start, *([node.module] if node.module else [])])
            found += [(f"{module}.{each.name}" if module in ("framework", "zoo") else module, each.name) for each in node.names]
    return found


def floor(name: str):
    return next((i for i, names in enumerate(FLOORS) if name in names), None)


BELOW_THE_ROOF = [each for each in FILES if each.parts[0] == "framework" and each != Path("framework/__init__.py")]


@pytest.mark.parametrize("path", BELOW_THE_ROOF, ids=str)
def test_imports_go_one_way(path):
    own = path.parts[1].removesuffix(".py")
    assert floor(own) is not None, f"{own} has no floor: put it into FLOORS"
    for module, _ in imports(path):
        parts = module.split(".")
        if parts[0] == "zoo":
            pytest.fail(f"{path} imports {module}")
        if parts[0] == "framework" and len(parts) > 1 and (str(path), parts[1]) not in EXCEPTIONS:
            assert floor(parts[1]) is not None and floor(parts[1]) <= floor(own), f"{path} imports {module}, which stands above it"


def test_cupy_is_known_to_one_module():
    for path in FILES:
        if path != Path("framework/device.py") and not path.match("framework/kernels/cuda_*.py"):
            assert not [module for module, _ in imports(path) if module.split(".")[0] in ("cupy", "cupyx")], path


def test_kernels_are_imported_by_the_package_and_its_face_of_gpus_alone():
    for path in FILES:
        if path.parent != Path("framework/kernels") and path not in (Path("framework/__init__.py"), Path("framework/cuda.py")):
            assert not [module for module, _ in imports(path) if module.startswith("framework.kernels.")], path


def test_the_zoo_sees_public_names():
    for path in FILES:
        if path.parts[0] == "zoo":
            for module, name in imports(path):
                private = [each for each in (*module.split("."), name or "") if each.startswith("_") and not each.startswith("__")]
                assert not (module.split(".")[0] == "framework" and private), f"{path} imports {module}: {private}"


def test_no_example_imports_another():
    for path in FILES:
        if path.parts[0] == "zoo" and len(path.parts) > 2:
            for module, _ in imports(path):
                parts = module.split(".")
                assert parts[0] != "zoo" or len(parts) < 2 or parts[1] in (path.parts[1], "common", "datasets"), f"{path} imports {module}"


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_file_is_read_in_one_sitting(path):
    assert len((ROOT / path).read_text().splitlines()) <= 400


def test_the_framework_stays_small_enough_to_read():
    """Lines of code and docstrings, kernels apart; blank lines and comments do not count."""
    files = [each for each in FILES if each.parts[0] == "framework" and each.parts[1] != "kernels"]
    lines = [line.strip() for each in files for line in (ROOT / each).read_text().splitlines()]
    assert len([line for line in lines if line and not line.startswith("#")]) < 9000


def test_nothing_slow_is_imported_unasked():
    code = "import framework, json, sys; print(json.dumps(sorted({each.split('.')[0] for each in sys.modules})))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=ROOT).stdout)
    assert not set(loaded) & {"matplotlib", "requests", "gymnasium", "tyro", "rich", "numba", "scipy", "cupy", "PIL", "torch"}
