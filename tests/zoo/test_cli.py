"""Command lines: verbs and flags from functions, and every foreseeable failure as one line and an exit code."""

import errno
import subprocess
import sys
from dataclasses import dataclass

import pytest

import framework
from framework.serialization import CorruptFileError
from tests.zoo.contract import ENVIRONMENT
from zoo.common.cli import main
from zoo.common.errors import UserError
from zoo.common.flags import RunDirectory, TrainFlags, find_device


@dataclass(frozen=True, kw_only=True)
class Config(TrainFlags):
    """An example's hyper-parameters."""

    batch_size: int = 64


@pytest.fixture
def zoo(monkeypatch, capsys):
    """Calls the command line of an example whose ``train`` does ``action``; returns the exit code and both outputs."""

    def call(*arguments, action=lambda config: print(config)):
        def train(config: Config) -> None:
            """Train."""
            action(config)

        def evaluate(run: RunDirectory) -> None:
            """Evaluate."""
            print(run)

        monkeypatch.setattr(sys, "argv", ["zoo", *arguments])
        try:
            main("zoo.toy", "A toy.", {"train": train, "evaluate": evaluate})
            code = 0
        except SystemExit as end:
            code = end.code
        return code, *capsys.readouterr()

    return call


def test_flags_reach_the_verb(zoo):
    code, out, err = zoo("train", "--seed", "3", "--smoke", "--batch-size", "8", "--out", "x")
    assert code == 0 and not err
    assert "seed=3" in out and "smoke=True" in out and "batch_size=8" in out and "epochs=1" in out
    assert zoo("evaluate", "runs/1")[1] == "runs/1\n"


def test_help_is_help(zoo):
    code, out, err = zoo("train", "--help")
    assert code == 0 and not err
    assert "--batch-size INT" in out and "Continue the run in --out" in out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("", "Expected one of {train, evaluate}."),
        ("trian", "Unrecognized options: trian; Available subcommands: train, evaluate"),
        ("train --epoch 3", "Unrecognized options: --epoch, 3; perhaps you meant --epochs"),
        ("train --smok --sed 3", "Unrecognized options: --smok, --sed, 3; perhaps you meant --seed and --smoke"),
        ("train --epochs", "Missing value for argument '--epochs'. Expected 1 values."),
        ("train --epochs three", "Error parsing --epochs: invalid literal for int() with base 10: 'three'"),
        ("train --epochs 0", "--epochs 0: expected one or more"),
        ("train --batch-size 0", "--batch-size 0: expected one or more"),
        ("train --seed -1", "--seed -1: expected zero or more"),
        ("train --seed 99999999999999999999", "--seed 99999999999999999999: expected less than 2**63"),
        ("train --save-every nan", "--save-every nan: expected a finite number"),
        ("train --save-every inf", "--save-every inf: expected a finite number"),
        ("train --resume", "--resume: say which run with --out"),
        ("evaluate", "Missing from python -m zoo.toy evaluate: RUN Run directory of a training. (required)"),
    ],
)
def test_a_bad_flag_is_one_line_and_exit_2(zoo, arguments, complaint):
    assert zoo(*arguments.split()) == (2, "", f"zoo.toy: error: {complaint}\n")


@pytest.mark.parametrize(
    ("failure", "code", "complaint"),
    [
        (UserError("no such\n  thing"), 1, "no such thing"),
        (CorruptFileError("x is damaged"), 1, "x is damaged"),
        (OSError(errno.ENOSPC, "No space left on device", "runs/x"), 1, "runs/x: No space left on device"),
        (OSError(errno.ENOSPC, "No space left on device", "/proc/.a.png.0123456789abcdef"), 1, "/proc/a.png: No space left on device"),
        (OSError("no connection"), 1, "no connection"),
        (MemoryError("Unable to allocate 3 TiB"), 1, "out of memory: Unable to allocate 3 TiB"),
        (MemoryError(), 1, "out of memory"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_a_failure_is_one_line(zoo, failure, code, complaint):
    def fail(config):
        raise failure

    assert zoo("train", action=fail) == (code, "", f"zoo.toy: error: {complaint}\n")


def test_flags_that_are_given_count_in_a_smoke_run(zoo):
    def shortened(config):
        print(config.shortened(data="builtin", epochs=2, batch_size=8))

    out = zoo("train", "--smoke", "--epochs", "5", action=shortened)[1]
    assert "data='builtin'" in out and "epochs=5" in out and "batch_size=8" in out
    assert "batch_size=64" in zoo("train", action=shortened)[1]


@pytest.mark.parametrize("words", ["--help", "say"])
@pytest.mark.parametrize("environment", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}])
def test_a_terminal_that_lacks_letters(words, environment):
    program = "from zoo.common.cli import main; main('zoo.toy', 'Gr\\xf6\\xdfe', {'say': lambda: print('Gr\\xf6\\xdfe'), 'b': print})"
    command = [sys.executable, "-c", program, words]
    said = subprocess.run(command, env={**ENVIRONMENT, **environment}, capture_output=True)
    assert said.returncode == 0 and not said.stderr
    assert b"Gr??e" in said.stdout


def test_a_mistake_in_the_program_is_not_hidden(zoo):
    with pytest.raises(ZeroDivisionError):
        zoo("train", action=lambda config: 1 / 0)


def test_devices():
    assert find_device("cpu") == framework.device("cpu")
    refused = {"gpu": "expected cpu", "cuda:x": "expected cpu", "cuda:99": "no GPU can be used|this machine has"}
    for name, complaint in refused.items():
        with pytest.raises(UserError, match=complaint):
            find_device(name)


def test_who_stops_reading_hears_no_complaint():
    """As ``python -m zoo.toy evaluate run | head -1`` does."""
    program = "from zoo.common.cli import main; main('zoo.toy', 'A toy.', {'count': lambda: print('one\\n' * 100_000), 'b': print})"
    process = subprocess.Popen([sys.executable, "-c", program, "count"], env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.readline() == b"one\n"
    process.stdout.close()
    assert process.stderr.read() == b"" and process.wait() == 1
    process.stderr.close()
