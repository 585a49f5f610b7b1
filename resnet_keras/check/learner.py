"""The process that runs the learner's code for `python -m resnet_keras.check`.

What the code prints is discarded; what was found is written to a file, as JSON.
"""

import argparse
import json
import os
from pathlib import Path

from resnet_keras.check.signatures import NAMES
from resnet_keras.errors import InputError


def main(argv=None):
    """Run the functions of a file and write the report on them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("report")
    parser.add_argument("--plot")
    parser.add_argument("target")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_intermixed_args(argv)
    try:
        report = _report(arguments)
    except InputError as error:
        report = {"error": str(error)}
    text = json.dumps(report, ensure_ascii=False, default=str)
    Path(arguments.report).write_text(text, encoding="utf-8")


def _report(arguments):
    from resnet_keras.check import source

    pieces, folder, package = source.read(arguments.target)
    # Before Keras is loaded, which takes seconds.
    source.check_parsed(pieces, arguments.names or NAMES, bool(arguments.names))
    os.environ["TF_USE_LEGACY_KERAS"] = "0"  # tf.keras is to be Keras 3
    os.environ.setdefault("MPLBACKEND", "agg")
    from resnet_keras.check import check_function

    functions, unrun = source.load(pieces, arguments.names, NAMES, folder, package)
    results = [check_function(function) for function in functions.values()]
    if arguments.plot:
        _plot(results, arguments.plot)
    texts = [str(result) for result in results]
    if unrun:
        statements = "1 statement" if unrun == 1 else f"{unrun} statements"
        texts.append(f"Not run: {statements} that these functions do not need.")
    return {"results": [result.to_json() for result in results], "texts": texts}


def _plot(results, path):
    path = Path(path)
    drawn = [result for result in results if result.drawing]
    for result in drawn:
        file = path
        if len(drawn) > 1:
            file = path.with_stem(f"{path.stem}_{result.name}")
        try:
            result.plot().savefig(file, bbox_inches="tight", dpi=120)
        except (OSError, ValueError) as error:
            raise InputError(f"{file}: cannot be written: {error}") from None


if __name__ == "__main__":
    main()
