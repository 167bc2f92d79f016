"""``python -m zoo.<name> VERB …`` from an example's own functions, and foreseeable failures as one line."""

import contextlib
import functools
import io
import itertools
import os
import sys
from collections.abc import Callable
from typing import NoReturn

import tyro

from framework.serialization import CorruptFileError
from zoo.common.errors import UserError
from zoo.common.files import TEMPORARY

FAILED, BAD_FLAGS, INTERRUPTED = 1, 2, 130


def main(program: str, description: str, verbs: dict[str, Callable[..., None]]) -> None:
    """Run the verb that the command line names, its parameters as positional arguments and flags (tyro's rules)."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a letter that the terminal lacks is a "?"
    command = _parse(program, description, verbs)
    try:
        command()
        sys.stdout.flush()
    except BrokenPipeError:  # as in "… | head": nobody reads on, and Python would complain of it at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)
    except KeyboardInterrupt:
        _fail(program, "interrupted", INTERRUPTED)
    except (UserError, CorruptFileError) as error:
        _fail(program, str(error), FAILED)
    except OSError as error:  # disk full, no permission, not a directory
        file = TEMPORARY.sub(r"\1", str(error.filename or ""))  # named as it was to be called
        _fail(program, f"{file}: {error.strerror}" if file else str(error), FAILED)
    except MemoryError as error:
        _fail(program, f"out of memory: {error}" if str(error) else "out of memory", FAILED)


def _parse(program: str, description: str, verbs: dict[str, Callable[..., None]]) -> Callable[[], None]:
    """The chosen verb with its arguments, not yet called: only parsing has its errors rewritten."""

    def later(verb: Callable[..., None]) -> Callable[..., Callable[[], None]]:
        return functools.wraps(verb)(lambda *args, **kwargs: functools.partial(verb, *args, **kwargs))

    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            return tyro.extras.subcommand_cli_from_dict(
                {name: later(verb) for name, verb in verbs.items()},
                prog=f"python -m {program}",
                description=description,
                config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff),
            )
    except SystemExit as end:
        if end.code in (0, None):  # --help
            raise
        _fail(program, _one_line(complaint.getvalue()), BAD_FLAGS)
    except UserError as error:  # a value that the config refuses
        _fail(program, str(error), BAD_FLAGS)


def _one_line(complaint: str) -> str:
    """What tyro says in a box of several lines: its first section, and from the others what it takes to be meant."""
    rows = [row.strip("│ ") for row in complaint.splitlines()[1:]]  # without the title
    ruled = itertools.groupby(rows, lambda row: not row.strip("╰╯─-"))
    message, *others = (list(section) for is_rule, section in ruled if not is_rule)
    similar = [section for section in others if section[0].startswith(("Perhaps you meant", "Arguments similar"))]
    flags = [row.split()[0] for section in similar for row in section if row.startswith("--")]
    hints = [f"perhaps you meant {' and '.join(sorted(flags))}"] if flags else []
    hints += [" ".join(section) for section in others if section[0].startswith("Available")]
    return "; ".join([" ".join(message), *hints])


def _fail(program: str, message: str, code: int) -> NoReturn:
    print(f"{program}: error: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(code)
