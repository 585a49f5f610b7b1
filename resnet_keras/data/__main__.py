"""Pack pictures into shards: `python -m resnet_keras.data pack SOURCE --out DIR`."""

import argparse

from resnet_keras.commands import add_skip_broken, run, something, without_notes
from resnet_keras.commands.interrupts import Interrupts


def _parse(argv):
    parser = argparse.ArgumentParser(
        prog="python -m resnet_keras.data",
        description="Pack labelled pictures into TFRecord shards, which `train --data "
        "DIR --stream` reads, and so does tf.data. Called again it goes on, and once "
        "all is packed it checks the shards.",
    )
    parser.add_argument("action", choices=["pack"], help="what to do")
    text = "as --data of resnet_keras.train takes it"
    parser.add_argument("source", type=something, metavar="SOURCE", help=text)
    text = "folder for the shards, new or begun before"
    parser.add_argument(
        "--out", type=something, metavar="DIR", required=True, help=text
    )
    add_skip_broken(parser)
    return parser.parse_args(argv)


def main(argv=None):
    """Parse, pack, and say what was written."""
    arguments = _parse(argv)
    with without_notes():
        import tensorflow  # noqa: F401

    from resnet_keras.data.packing import pack

    # Where JAX's callback of garbage collection drops Ctrl-C, it counts after a shard.
    with Interrupts(raises=True) as interrupts:

        def say(line):
            print(line, flush=True)
            interrupts.check()

        index = pack(arguments.source, arguments.out, arguments.skip_broken, say)
    number = sum(shard["num_images"] for shard in index["shards"])
    size = sum(shard["bytes"] for shard in index["shards"])
    print(
        f"{arguments.out}: {number:,} pictures of {len(index['class_names'])} classes "
        f"in {index['num_shards']} shards, {size / 2**20:,.1f} MiB"
    )
    return 0


if __name__ == "__main__":
    run(main)
