"""Name what is wrong with a learner's block: `python -m resnet_keras.check`."""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from resnet_keras.check.signatures import KINDS
from resnet_keras.commands import integer_from, run
from resnet_keras.errors import InputError


def _parse(argv):
    parser = argparse.ArgumentParser(
        prog="python -m resnet_keras.check",
        description="Compare a learner's identity_block, convolutional_block or "
        "ResNet50 with the documented one, and name what is wrong, line by line. The "
        "functions, and the imports and assignments that they use, are run, in a "
        "process of their own; other lines and cells are not. Running a file's "
        "functions runs its code: check only files that you trust.",
        epilog="Exit code: 0 all right, 1 something is wrong, 2 it could not be run.",
    )
    parser.add_argument(
        "target",
        metavar="FILE.py|NOTEBOOK.ipynb|MODULE",
        help="where the functions are defined",
    )
    parser.add_argument(
        "names",
        metavar="NAME",
        nargs="*",
        help=f"functions to check (default: those there are of {', '.join(KINDS)})",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    parser.add_argument(
        "--plot",
        type=_picture,
        metavar="FILE",
        help="draw the documented and the learner's graph; .png, .svg or .pdf",
    )
    parser.add_argument(
        "--timeout",
        type=integer_from(1),
        default=120,
        metavar="SECONDS",
        help="how long the learner's code may run (default: 120)",
    )
    return parser.parse_intermixed_args(argv)


def _picture(text):
    if Path(text).suffix not in (".png", ".svg", ".pdf"):
        raise argparse.ArgumentTypeError(
            f"is {text!r}; expected a name that ends in .png, .svg or .pdf"
        )
    if not Path(text).parent.is_dir():
        raise argparse.ArgumentTypeError(f"is {text!r}, in a folder that is not there")
    return text


def main(argv=None):
    """Parse, let another process check, print; 0 right, 1 wrong, 2 not runnable."""
    arguments = _parse(argv)
    report = _report_on(arguments)
    if arguments.json:
        print(json.dumps(report["results"], indent=2, ensure_ascii=False))
    else:
        print("\n".join(report["texts"]))
    return 0 if all(each["right"] for each in report["results"]) else 1


def _report_on(arguments):
    """Return the report of a process that runs the learner's code."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        line = [sys.executable, "-m", "resnet_keras.check.learner", str(report)]
        line += ["--plot", arguments.plot or "", arguments.target, *arguments.names]
        # Files, for a pipe would stay open as long as anything the code has started.
        with open(Path(folder, "stderr"), "w+b") as stderr:
            try:
                code = subprocess.run(
                    line,
                    timeout=arguments.timeout,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=stderr,
                    check=False,
                ).returncode
            except subprocess.TimeoutExpired:
                raise InputError(
                    f"{arguments.target}: still ran after {arguments.timeout} s; look "
                    "for a loop that does not end, or give --timeout more seconds."
                ) from None
            stderr.seek(0)
            errors = stderr.read().decode(errors="replace").strip().splitlines()
        found = {}
        if report.is_file():
            found = json.loads(report.read_text(encoding="utf-8"))
    if "error" in found:
        raise InputError(found["error"])
    if not found:
        raise InputError(
            f"{arguments.target}: ended its process with code {code}; expected a file "
            f"that only defines functions. Its last output: {(errors or ['none'])[-1]}"
        )
    return found


if __name__ == "__main__":
    run(main)
