"""The commands, a line each: `python -m resnet_keras`, or `resnet-keras`."""

import runpy
import sys

from resnet_keras.commands import complain, run
from resnet_keras.tables import table

COMMANDS = {
    "audit": "find copies, wrong labels and bad pictures in a data set",
    "data": "pack pictures into shards, for data sets larger than memory",
    "train": "train a network on labelled images",
    "evaluate": "score a model on a data set",
    "predict": "name what is in pictures",
    "detect": "find what is where in pictures: train, evaluate, predict",
    "demo": "show what a model says of a picture, on a page in the browser",
    "summary": "print or draw the stages of a network",
    "export": "write a model in another format, and compare",
    "check": "say what is right and wrong in a block of your own",
    "hands": "draw hand signs, as data to train on",
    "experiments": "see why residual connections work",
    "benchmark": "compare speed and memory on this machine",
}


def main(argv=None):
    """List the commands, or run the one named as `python -m resnet_keras.NAME` does."""
    name, *rest = (sys.argv[1:] if argv is None else argv) or ["--help"]
    if name in ("-h", "--help"):
        print("Usage: python -m resnet_keras COMMAND ...; COMMAND --help says more.\n")
        print(table(("command", "what it does"), COMMANDS.items(), "<<"))
        return 0
    if name not in COMMANDS:
        return complain(
            f"{name!r} is no command; expected one of {', '.join(COMMANDS)}."
        )
    sys.argv[1:] = rest
    runpy.run_module(f"resnet_keras.{name}", run_name="__main__", alter_sys=True)
    return 0


def start():
    """Run `main` as a command: the console script."""
    run(main)


if __name__ == "__main__":
    start()
