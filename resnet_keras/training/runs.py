"""What commands that train share: options, resuming, replacing, being stopped."""

import contextlib
import json
import shlex

from resnet_keras.commands.options import integer_from, number_from
from resnet_keras.errors import InputError
from resnet_keras.files.writing import check_not_input
from resnet_keras.training.config import LIMITS, PRECISIONS, RunConfig


def add_number(parser, name, text, metavar="N"):
    """Give a command the option of a number that `LIMITS` knows."""
    kind, minimum, maximum = LIMITS[name]
    parse = (integer_from if kind is int else number_from)(minimum, maximum)
    option = f"--{name.replace('_', '-')}"
    parser.add_argument(option, type=parse, metavar=metavar, help=text)


def add_precision(parser):
    """Give a command that trains the option `--precision`."""
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        help="what to multiply in while training (default: by the processor); "
        "weights and predictions are float32 either way",
    )


def add_resume(parser):
    """Give a command that trains the options `--resume` and `--overwrite`."""
    parser.add_argument(
        "--resume", action="store_true", help="go on with a run that was cut off"
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace the run that is there"
    )


def refuse_both(parser, arguments):
    """End, with the parser's error, where both options of `add_resume` are given."""
    if arguments.resume and arguments.overwrite:
        parser.error("--resume and --overwrite exclude each other")


def config_of(directory, given):
    """Return the configuration of the run in `directory`; `given` may only repeat it.

    Args:
        directory: where the run to be resumed is.
        given: dictionary of options, as `RunConfig.of_options` takes it.

    Raises:
        InputError: no run is there, or it is another.
    """
    path = directory / "config.json"
    if not path.exists():
        raise InputError(
            f"{directory}: {_what_is_there(directory)}; expected the config.json of a "
            "run to resume. Correct --out, or leave --resume out to begin a run."
        )
    config = RunConfig.read(path)
    of_run = config.options()
    for key, value in given.items():
        if of_run[key] != value:
            raise InputError(
                f"{path}: this run has {key} {of_run[key]}, not {value}. Leave the "
                "option out to resume, or use --overwrite."
            )
    return config


def threads_of(directory):
    """Return how many threads shared an operation of the run there, None if unknown."""
    number = json.loads((directory / "config.json").read_text()).get("threads")
    return number if isinstance(number, int) and number > 0 else None


def _what_is_there(directory):
    if not directory.is_dir():
        runs = sorted(
            path.parent.name for path in directory.parent.glob("*/config.json")
        )
        beside = f" (beside it are the runs {', '.join(runs[:5])})" if runs else ""
        return f"no such folder{beside}"
    names = sorted(path.name for path in directory.iterdir())
    more = ", ..." if len(names) > 5 else ""
    return f"holds {', '.join(names[:5])}{more}" if names else "is empty"


def earlier_run(directory, arguments, run_files):
    """Return the files of an earlier run that are to go once the new one can begin.

    Args:
        directory: where the run goes.
        arguments: of the command: `resume`, `overwrite`, `weights` and `data`.
        run_files: names of all files that a run leaves.

    Raises:
        InputError: a run is there, and nobody said that it may be replaced, or it is
            finished, or the new one needs its files.
    """
    found = [name for name in run_files if (directory / name).exists()]
    if not found:
        return []
    if arguments.overwrite:
        paths = [directory / name for name in found]
        check_not_input(paths, [arguments.weights, arguments.data])
        return paths
    if not arguments.resume:
        raise InputError(
            f"{directory}: holds a run already ({', '.join(found)}). Choose another "
            "place with --out, or use --resume or --overwrite."
        )
    if "metrics.json" in found:
        raise InputError(
            f"{directory}: this run is finished; there is nothing to resume. Use "
            "--overwrite to train again."
        )
    return []


@contextlib.contextmanager
def resumable(command, directory, resumes):
    """Where the user or the reader of the output stops a run, say how to go on.

    Args:
        command: what to type, as "resnet_keras.train".
        directory: where the run goes.
        resumes: whether it is a resumed one.

    Raises:
        InputError: it was stopped.
    """
    settings = directory / "config.json"
    before = _time_of(settings)
    try:
        yield
    except (KeyboardInterrupt, BrokenPipeError) as stop:
        reason = "stopped by the user"
        if isinstance(stop, BrokenPipeError):
            reason = "stopped: the program that read the output has ended"
        going_on = "It had not begun; there is nothing to resume."
        # Until the new run begins the settings may be those of one to be replaced.
        now = _time_of(settings)
        if now and (resumes or now != before):
            going_on = (
                f"Finished epochs are kept; go on with python -m {command} "
                f"--out {shlex.quote(str(directory))} --resume"
            )
        raise InputError(f"{directory}: {reason}. {going_on}") from None


def _time_of(path):
    """Return when a file was written, in nanoseconds, or None if there is none."""
    return path.stat().st_mtime_ns if path.exists() else None
