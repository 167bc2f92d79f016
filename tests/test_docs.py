"""The examples in the pages run as they stand, and what the README promises of the make targets is true of the Makefile."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("zoo/*/README.md"))]
BLOCKS = [(page, block) for page in PAGES for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL) if "import" in block]


@pytest.mark.parametrize("page, block", BLOCKS, ids=lambda value: value.name if isinstance(value, Path) else "")
def test_examples_run(page, block, capsys):
    """And print what stands beside a `print(…)  # …`, or in comments on lines of their own."""
    exec(compile(block, str(page), "exec"), {})
    promised = re.findall(r"^(?:print\(.*\)  )?# (.*)$", block, re.MULTILINE)
    assert capsys.readouterr().out.splitlines() == promised


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text()):
        assert (page.parent / target).exists(), f"{page} links to {target}"


def test_the_targets_named_exist():
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for name in re.findall(r"make ([a-z]+)", (ROOT / "README.md").read_text()):
        assert name in targets


def test_the_reference_is_what_the_code_says():
    done = subprocess.run([sys.executable, "docs/reference.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
