"""Write rendered hands: `python -m resnet_keras.hands --out DIR`."""

import argparse
import os

from resnet_keras import commands
from resnet_keras.files.writing import write_whole
from resnet_keras.hands import SIZES, TEST_START, contact_sheet, write_pair


def _parse(argv):
    """Parse the command line; NumPy and h5py are imported later."""
    parser = argparse.ArgumentParser(
        prog="python -m resnet_keras.hands",
        description="Render hand signs 0 to 5 and write them in the course's format.",
    )
    count = commands.integer_from(1, TEST_START)
    size = commands.integer_from(*SIZES)
    seed = commands.integer_from(0, 2**62)
    add = parser.add_argument
    add("--out", metavar="DIR", required=True, help="where the files go")
    add("--train", type=count, default=1080, help="training images (%(default)s)")
    add("--test", type=count, default=120, help="test images (%(default)s)")
    add("--image-size", type=size, default=64, help="side in pixels (%(default)s)")
    add("--seed", type=seed, default=0, help="another seed, other hands (%(default)s)")
    return parser.parse_args(argv)


def main(argv=None):
    """Write the pair of files and the contact sheet; return the exit code."""
    args = _parse(argv)
    paths = write_pair(args.out, args.train, args.test, args.image_size, args.seed)
    for path, count in zip(paths, (args.train, args.test), strict=True):
        size = f"{args.image_size} x {args.image_size}"
        print(f"{path}: {count} hands, {size}, signs 0 to 5, seed {args.seed}")
    path = os.path.join(args.out, "hands.png")
    sheet = contact_sheet(seed=args.seed)
    with write_whole(path) as temporary:
        sheet.save(temporary)
    print(f"{path}: contact sheet, one row per sign")
    return 0


if __name__ == "__main__":
    commands.run(main)
