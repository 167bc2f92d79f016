"""Reports on runs of all kinds: what they say is right, what is missing or damaged is said, and the page needs nothing but itself."""

import json
import re
import shutil
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from zoo.common import pictures
from zoo.common.cli import main
from zoo.common.errors import UserError
from zoo.reports import curves, records, report

NAN = float("nan")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
MNIST = {"name": "mnist", "sha256": "06b0" * 16, "origin": "official"}


def write_run(path: Path, *, seed=0, losses=(3.0, 2.0, 1.0), finished=True, **changes) -> Path:
    """A run directory as an example of the zoo leaves it, with a loss every 10 steps and 2 seconds."""
    config = {
        "example": "mnist_cnn",
        "flags": {"out": str(path), "seed": seed, "epochs": 14, "lr": 1.0},
        "seed": seed,
        "data": MNIST,
        "commit": {"sha": "5c" * 20, "dirty": False},
        "versions": {"python": "3.11.7", "numpy": "2.4.6"},
        "machine": {"cpu": "a processor", "threads": 2, "gpu": None},
        "commands": [f"python -m zoo.mnist_cnn train --seed {seed}"],
        **changes,
    }
    metrics, memory = {"test_accuracy": 0.99 + seed / 1000}, {"host": 1 << 30, "gpu": None}
    results = {"metrics": metrics, "parameters": 1234, "seconds": 7.5, "peak_memory": memory}
    path.mkdir(parents=True)
    (path / "config.json").write_text(json.dumps(config))
    if finished:
        (path / "results.json").write_text(json.dumps({**results, **config}))
    rows = [{"epoch": 0, "step": 10 * i, "train_loss": loss} for i, loss in enumerate(losses, 1)]
    times = [{"step": 10 * i, "seconds": 2.0 * i} for i, _ in enumerate(losses, 1)]
    for name, lines in (("metrics.jsonl", rows), ("timings.jsonl", times)):
        (path / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


class Page(HTMLParser):
    """The tags of a page with their attributes, its text, and its tables as text by cell."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.words, self.tables = [], "", []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_data(self, data):
        self.words += data
        if self.tables and self.tables[-1] and self.tables[-1][-1] and self.lasttag in ("td", "button"):
            self.tables[-1][-1][-1] += data.strip()

    def table(self, column: str) -> list[dict[str, str]]:
        """The rows of the last table with a column of this name."""
        head, *rows = next(table for table in reversed(self.tables) if column in table[0])
        return [dict(zip(head, row, strict=True)) for row in rows]


def made(out: Path, *runs: Path) -> tuple[Page, dict, str]:
    """The page, the figures and the Markdown on these runs."""
    report(runs, out=out)
    return Page((out / "report.html").read_text()), json.loads((out / "report.json").read_text()), (out / "report.md").read_text()


def test_seeds_are_one_group_beside_the_published_figure(tmp_path):
    page, found, text = made(tmp_path, *(write_run(tmp_path / str(seed), seed=seed) for seed in (0, 1, 5)))
    (group,) = found["examples"][0]["groups"]
    assert group["setting"] == "epochs 14" and [run["seed"] for run in group["runs"]] == [0, 1, 5]
    (metric,) = group["metrics"]
    assert metric["mean"] == pytest.approx(0.992) and metric["std"] == pytest.approx(np.std([0.990, 0.991, 0.995], ddof=1))
    row = page.table("published")[0]
    source = row.pop("source")
    assert "keras" in source
    assert row == {
        "metric": "test accuracy", "mean": "99.20 %", "std": "± 0.26 %", "seeds": "3", "published": "99.25 %", "difference": "−0.05 points"
    }  # fmt: skip
    assert f"| test accuracy | 99.20 % | ± 0.26 % | 3 | 99.25 % | −0.05 points | {source} |" in text
    assert page.table("time per step")[1] == {
        "run": str(tmp_path / "1"), "seed": "1", "state": "finished", "steps": "30", "time": "7.5 s", "time per step": "200.00 ms",
        "peak memory": "1,024 MiB", "on the GPU": "–", "commit": "5c5c5c5c",
    }  # fmt: skip
    for said in ("mnist, the official set", MNIST["sha256"], "1,234", "a processor, threads 2", "numpy 2.4.6", "train --seed 5"):
        assert said in page.words and said in text


def test_other_flags_or_data_are_another_group(tmp_path):
    _, found, _ = made(
        tmp_path,
        write_run(tmp_path / "a"),
        write_run(tmp_path / "b", flags={"epochs": 14, "lr": 0.5, "out": "elsewhere", "resume": True}),
        write_run(tmp_path / "c", data={**MNIST, "sha256": "1" * 64, "origin": "user folder"}),
        write_run(tmp_path / "d", example="vae"),
        write_run(tmp_path / "e", example="no_such_example"),
    )
    assert [example["name"] for example in found["examples"]] == ["mnist_cnn", "no_such_example", "vae"]
    settings = [[group["setting"] for group in example["groups"]] for example in found["examples"]]
    assert settings == [["epochs 14, lr 1.0", "epochs 14, lr 0.5", "epochs 14, lr 1.0"], ["epochs 14"], ["epochs 14"]]
    published = [bool(group["metrics"][0]["published"]) for group in found["examples"][0]["groups"]]
    assert published == [True, True, False]  # a folder called mnist need not be MNIST


def test_one_seed_has_no_spread_even_if_run_twice(tmp_path):
    page, found, text = made(tmp_path, write_run(tmp_path / "a"), write_run(tmp_path / "b"))
    assert "±" not in page.words and "±" not in text
    assert page.table("published")[0]["std"] == "–" and found["examples"][0]["groups"][0]["metrics"][0]["seeds"] == 1


def test_an_unfinished_run_is_listed_and_counts_in_no_mean(tmp_path):
    stopped = write_run(tmp_path / "stopped", seed=1, finished=False)
    for name in ("metrics.jsonl", "timings.jsonl"):
        with (stopped / name).open("a") as stream:
            stream.write('{"step": 4')  # killed while it wrote
    page, found, _ = made(tmp_path, write_run(tmp_path / "whole"), stopped)
    assert "1 run did not finish" in page.words
    rows = [(row["state"], row["steps"], row["time"]) for row in page.table("state")]
    assert rows == [("finished", "30", "7.5 s"), ("not finished", "30", "6.0 s")]
    assert found["examples"][0]["groups"][0]["metrics"][0]["seeds"] == 1


def test_nan_is_shown_as_nan(tmp_path):
    for seed in (0, 1):
        write_run(tmp_path / str(seed), seed=seed, losses=(1.0, NAN, NAN), metrics={"test_accuracy": NAN if seed else 0.5})
    page, found, _ = made(tmp_path, tmp_path / "0", tmp_path / "1")
    assert page.table("published")[0]["mean"] == "NaN"
    assert page.table("state")[0]["state"] == "finished; train loss NaN or infinite from step 20"
    (metric,) = found["examples"][0]["groups"][0]["metrics"]
    assert (metric["mean"], metric["std"]) == ("NaN", "NaN")


def test_missing_fields_are_dashes(tmp_path):
    write_run(tmp_path / "run")
    for name in ("results.json", "metrics.jsonl", "timings.jsonl"):
        (tmp_path / "run" / name).unlink()
    (tmp_path / "run" / "config.json").write_text('{"example": "mnist_cnn", "flags": null}')
    (tmp_path / "old.json").write_text('{"example": "vae", "metrics": {"test_kl": 1.5, "test_elbo": null}}')
    (tmp_path / "run" / "metrics.jsonl").write_text('{"epoch": 0}\n{"train_loss": 1.0}\n{"step": 3, "train_loss": 1.0}\n')
    page, _, _ = made(tmp_path, tmp_path / "run", tmp_path / "old.json")
    row = page.table("state")[0]
    assert (row.pop("run"), row.pop("state")) == (str(tmp_path / "old.json"), "finished") and set(row.values()) == {"–"}
    assert "# the commit is unknown" in page.words


def test_what_cannot_be_read_is_listed(tmp_path):
    write_run(tmp_path / "good")
    write_run(tmp_path / "rows").joinpath("metrics.jsonl").write_text("[1]\n{\n{\n")
    write_run(tmp_path / "wrong", flags=[1])
    (tmp_path / "empty").mkdir()
    (tmp_path / "not.json").write_text("{")
    (tmp_path / "other.json").write_text('{"test_accuracy": 0.5}')
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    bad = [tmp_path / name for name in ("rows", "wrong", "empty", "not.json", "other.json", "picture.png")]
    page, found, _ = made(tmp_path / "report", *bad, tmp_path / "good")
    assert [row["path"] for row in page.table("reason")] == [each["path"] for each in found["unread"]] == list(map(str, bad))
    assert "No such file" in found["unread"][2]["reason"] and "names no example" in found["unread"][4]["reason"]
    with pytest.raises(UserError, match="not.json: Expecting"):
        report([tmp_path / "not.json"], out=tmp_path)
    with pytest.raises(UserError, match="nowhere does not exist"):
        report([tmp_path / "good", tmp_path / "nowhere"], out=tmp_path)
    with pytest.raises(UserError, match="say which runs"):
        report([], out=tmp_path)


def test_text_of_runs_is_text(tmp_path):
    evil = '<img src=x onerror="alert(1)">|`*'
    run = write_run(
        tmp_path / "läufe & 走 run",
        example=evil,
        data={"name": evil, "sha256": evil, "origin": evil},
        flags={evil: evil},
        commit={"sha": evil, "dirty": True},
        versions={evil: evil},
        machine={"cpu": evil, "gpu": evil},
        commands=[evil, "</pre><script>alert(1)</script>\n# heading"],
        metrics={evil: 1.0, "$x_{": 2.0},
    )
    rows = [{"step": step, f"train_{evil}": 1.0 / step, "$x_$\\frac{": 2.0} for step in (1, 2)]
    (run / "metrics.jsonl").write_text("\n".join(map(json.dumps, rows)))
    page, found, text = made(tmp_path, run)
    assert "läufe & 走 run" in page.words and found["examples"][0]["groups"][0]["runs"][0]["path"] == str(run)
    assert not [tag for tag, _ in page.tags if tag == "img"] and len([tag for tag, _ in page.tags if tag == "script"]) == 1
    outside_code = "\n".join(line for line in text.splitlines() if not line.startswith("    "))
    assert evil in page.words and not re.search(r"(?<!\\)[<`*]", outside_code)
    assert not [attributes for _, attributes in page.tags if any(name.startswith("on") for name in attributes)]
    widths = [len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines() if line.startswith("| run")]
    assert widths == [10]


def test_the_page_loads_nothing(tmp_path):
    pictures.write(write_run(tmp_path / "run") / "samples" / "one.png", np.zeros((8, 8), np.uint8))
    page, _, _ = made(tmp_path, tmp_path / "run")
    tags = [tag for tag, _ in page.tags]
    assert tags.count("svg") == 2 and tags.count("img") == 1 and "link" not in tags and "iframe" not in tags
    for _, attributes in page.tags:
        for name, value in attributes.items():
            if name in ("src", "href", "xlink:href", "srcset", "action", "data"):
                assert value.startswith(("#", "data:image/png;base64,")), value
    text = (tmp_path / "report.html").read_text()
    assert re.findall(r"url\((?!#)", text) == [] and "@import" not in text and "default-src 'none'" in text
    assert set(re.findall(r"https?://[^\"'\s<]*", text)) <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}  # namespaces


def test_a_picture_that_is_damaged_is_said(tmp_path):
    (write_run(tmp_path / "run") / "samples").mkdir()
    (tmp_path / "run" / "samples" / "one.png").write_bytes(b"\x89PNG")
    page, _, _ = made(tmp_path, tmp_path / "run")
    assert "one.png: not a picture that can be read" in page.words


def test_equal_runs_give_equal_reports(tmp_path):
    write_run(tmp_path / "run")
    for name in ("a", "b"):
        made(tmp_path / name, tmp_path / "run")
    assert (tmp_path / "a" / "report.html").read_bytes() == (tmp_path / "b" / "report.html").read_bytes()


def test_a_curve_is_the_mean_of_those_that_got_there():
    one, two = np.array([[1, 2, 3], [1, 2, 3], [5, 3, 1]], float), np.array([[1, 2], [3, 4], [7, NAN]], float)
    steps, seconds, middle, low, high = curves.average([one, two])
    np.testing.assert_array_equal(steps, [1, 2, 3])
    np.testing.assert_array_equal(seconds, [2, 3, 3])
    np.testing.assert_array_equal(middle, [6, NAN, 1])
    np.testing.assert_array_equal(low, [5, NAN, 1])
    np.testing.assert_array_equal(high, [7, NAN, 1])
    long = np.tile(np.arange(10_000.0), (3, 1))
    assert curves.average([long]).shape == (5, curves.POINTS) and curves.average([long])[0, -1] == 9_999


def test_the_time_of_a_step_is_a_median(tmp_path):
    run = write_run(tmp_path / "run", losses=range(5))
    times = [(10, 1.0), (20, 2.0), (20, 60.0), (30, 61.0), (40, 62.5)]  # evaluated for 58 seconds
    (run / "timings.jsonl").write_text("\n".join(json.dumps({"step": step, "seconds": seconds}) for step, seconds in times))
    assert records.read(run).seconds_per_step == pytest.approx(0.1)


KINDS = {
    "text": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) or value in ("NaN", "Infinity", "-Infinity"),
    "boolean": lambda value: isinstance(value, bool),
    "list": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "null": lambda value: value is None,
}


def check(value, path: str, schema: dict[str, str]) -> None:
    """A value is of the type that the page documents for this path, and so is all that it holds."""
    if path in schema:
        assert any(KINDS[kind](value) for kind in schema[path].split(" or ")), (path, value)
    if isinstance(value, list):
        for each in value:
            check(each, f"{path}[]", schema)
    fields = {name for each in schema if (name := each.removeprefix(f"{path}.".lstrip("."))) != each or not path}
    fields = {name for name in fields if "." not in name and "[" not in name}
    if isinstance(value, dict) and fields:
        assert value.keys() == fields, path
        for name, each in value.items():
            check(each, f"{path}.{name}".lstrip("."), schema)


def documented() -> dict[str, str]:
    """Path in report.json → its type."""
    page = (Path(__file__).parents[2] / "docs" / "reports.md").read_text()
    return dict(re.findall(r"^\| `([\w.\[\]]+)` \| ([a-z ]+) \|", page, re.MULTILINE))


def test_the_figures_are_what_the_page_documents(tmp_path):
    schema = documented()
    runs = [write_run(tmp_path / str(seed), seed=seed, losses=(1.0, NAN)) for seed in (0, 1)]
    runs.append(write_run(tmp_path / "other", finished=False, flags={}, data={}))
    (tmp_path / "bad.json").write_text("{}")
    _, found, _ = made(tmp_path, *runs, tmp_path / "bad.json")
    assert found["unread"] and found["examples"][0]["groups"][0]["metrics"][0]["published"]
    check(found, "", schema)
    with pytest.raises(AssertionError):
        check({**found, "version": "one"}, "", schema)
    with pytest.raises(AssertionError):
        check({**found, "more": 1}, "", schema)


def test_a_thousand_runs_in_ten_seconds(tmp_path):
    losses = list(np.exp(-np.arange(200) / 50))
    for number in range(1000):
        setting = {"flags": {"lr": number % 40}, "example": ("vae", "snli")[number % 2]}
        write_run(tmp_path / "runs" / f"{number}", seed=number // 40, losses=losses, **setting)
    started = time.process_time()
    _, found, _ = made(tmp_path, *(tmp_path / "runs").iterdir())
    assert time.process_time() - started < 10  # of one core, whatever else the machine does
    assert [[group["metrics"][0]["seeds"] for group in example["groups"]] for example in found["examples"]] == [[25] * 20] * 2
    assert (tmp_path / "report.html").stat().st_size < 10 << 20


def test_from_the_command_line(tmp_path, monkeypatch, capsys):
    write_run(tmp_path / "run")
    arguments = ["report", tmp_path / "run", tmp_path / "run" / "results.json", "--out", tmp_path / "out"]
    monkeypatch.setattr(sys, "argv", ["zoo", *map(str, arguments)])
    main("zoo", "The zoo.", {"report": report, "list": lambda: None})
    assert capsys.readouterr().out == f"{tmp_path / 'out' / 'report.html'}: 2 read, 0 that could not be read\n"
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"report.html", "report.json", "report.md"}


LOOK = """
  const head = Array.from(document.querySelectorAll("th")).find((each) => each.textContent === "mean");
  const column = () => Array.from(head.closest("table").tBodies[0].rows, (row) => row.cells[head.cellIndex].textContent);
  const [before, rising, falling] = [column(), (head.click(), column()), (head.firstChild.click(), column())];
  const widths = Array.from(document.images, (each) => each.naturalWidth);
  const found = { before, rising, falling, sorted: head.getAttribute("aria-sort"), widths };"""
PHONE = """<!doctype html><body>
<script>addEventListener("message", ({ data }) => { document.body.dataset.found = JSON.stringify(data); });</script>
<iframe src="page.html" width="390" height="844" frameborder="0"></iframe>"""  # a window cannot be as narrow
needs_a_browser = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")


LISTEN = """<script>
  const errors = [];
  addEventListener("error", (event) => errors.push(event.message ?? event.target.outerHTML), true);  // of scripts, and what does not load
  addEventListener("securitypolicyviolation", (event) => errors.push(event.blockedURI));
  for (const kind of ["error", "warn"]) console[kind] = (...words) => errors.push(words.join(" "));
</script>"""


def on_a_phone(page: Path, look: str = "const found = {};") -> dict:
    """What a script finds in the page when a browser has loaded it, the widths of window and page, and what a console would say."""
    send = "parent.postMessage({ ...found, errors, inner: innerWidth, scroll: document.documentElement.scrollWidth }, '*')"
    script = f'<script>addEventListener("load", () => {{ {look} {send} }});</script></body>'
    (page.parent / "page.html").write_text(page.read_text().replace("<head>", f"<head>{LISTEN}").replace("</body>", script))
    (page.parent / "phone.html").write_text(PHONE)
    options = ["--headless", "--no-sandbox", f"--user-data-dir={page.parent / 'browser'}", "--window-size=390,844", "--dump-dom"]
    done = subprocess.run([CHROMIUM, *options, (page.parent / "phone.html").as_uri()], capture_output=True, text=True, timeout=120)
    return json.loads(dict(Page(done.stdout).tags)["body"]["data-found"])


@needs_a_browser
def test_in_a_browser_the_width_of_a_phone(tmp_path):
    accuracies = (0.5, NAN, 0.09, None, 0.6)
    runs = []
    for index, accuracy in enumerate(accuracies):
        metrics = {} if accuracy is None else {"test_accuracy": accuracy}
        flags = {"epochs": 14, "lr": index, "folder": "with/a/long/path" * 20}
        runs.append(write_run(tmp_path / f"{index}{'-long' * 30}", metrics=metrics, flags=flags))
    pictures.write(runs[0] / "samples" / "wide.png", np.zeros((30, 2000), np.uint8))
    made(tmp_path, *runs)
    found = on_a_phone(tmp_path / "report.html", LOOK)
    assert found["inner"] == 390 and found["scroll"] <= 390 and found["errors"] == []
    assert found["before"] == ["50.00 %", "NaN", "9.00 %", "–", "60.00 %"]
    assert found["rising"] == ["9.00 %", "50.00 %", "60.00 %", "NaN", "–"]
    assert found["falling"] == ["60.00 %", "50.00 %", "9.00 %", "NaN", "–"]
    assert found["sorted"] == "descending" and found["widths"] == [960]


@needs_a_browser
def test_what_goes_wrong_in_a_browser_is_seen(tmp_path):
    broken = '<head></head><body><img src="nowhere.png"><script>nothing();</script></body>'
    (tmp_path / "broken.html").write_text(broken)
    assert len(on_a_phone(tmp_path / "broken.html")["errors"]) == 2
