"""Hand signs 0 to 5, rendered on demand: labels, boxes and masks, nothing to download.

Picture k of seed s is the same on every machine and however many are asked for. As a
command, `python -m resnet_keras.hands --out DIR` writes the course's pair of files and
a contact sheet.
"""

import argparse
import os
import shutil
from functools import partial
from typing import NamedTuple

from resnet_keras import commands, processes
from resnet_keras.errors import InputError
from resnet_keras.writing import check_folder, write_whole

# Held-out pictures are numbered from here, a multiple of six; training never gets here.
TEST_START = 6 * 2**28

SIZES = (16, 512)

_LEAST_PER_PAINTER = 1000  # pictures; a process takes longer to begin than to draw 100

# First number of each picture's key, so that images and scenes never share their dice.
_IMAGES, _ORDER, _SCENES = range(3)


class Hands(NamedTuple):
    """n rendered hands: what `render` returns."""

    images: object  # uint8 (n, size, size, 3), RGB
    labels: object  # int64 (n,), 0 to 5
    boxes: object  # float32 (n, 4): x_min, y_min, x_max, y_max in pixels
    masks: object  # bool (n, size, size), or None


class Scene(NamedTuple):
    """One picture of several hands: what `render_scenes` lists."""

    image: object  # uint8 (canvas, canvas, 3), RGB
    labels: object  # int64 (hands,), 0 to 5
    boxes: object  # float32 (hands, 4): x_min, y_min, x_max, y_max in pixels


def render(num_images, image_size=64, seed=0, *, start=0, masks=False):
    """Render hands that show 0 to 5, one to an image.

    For more than fit into memory use `iter_batches`; for several hands to a picture
    `render_scenes`.

    Args:
        num_images: how many, 0 or more.
        image_size: side in pixels, 16 to 512.
        seed: 0 or more. Another seed, other pictures.
        start: number of the first picture. `render(5)` followed by
            `render(5, start=5)` is `render(10)`.
        masks: whether to return the outline of each hand as well.

    Returns:
        `Hands`. Each run of six pictures from a multiple of six holds every sign once.
        A mask marks the visible pixels at least half covered by the hand: palm, thumb
        and fingers as far as the wrist, without forearm and sleeve. The box is the
        smallest around the mask, in the coordinates of pixel edges: it spans columns
        x_min to x_max - 1.

    Raises:
        InputError: an argument out of range.

    >>> hands = render(6)
    >>> hands.images.shape, sorted(hands.labels.tolist())
    ((6, 64, 64, 3), [0, 1, 2, 3, 4, 5])
    """
    import numpy as np

    from resnet_keras import hand_scene as scene
    from resnet_keras.hand_model import Dice
    from resnet_keras.hand_paint import draw_hand

    _check(num_images=num_images, image_size=image_size, seed=seed, start=start)
    images = np.empty((num_images, image_size, image_size, 3), np.uint8)
    labels = np.empty(num_images, np.int64)
    boxes = np.empty((num_images, 4), np.float32)
    outlines = np.empty((num_images, image_size, image_size), bool) if masks else None
    for i in range(num_images):
        number = start + i
        labels[i] = _label(seed, number)
        dice = Dice(_IMAGES, seed, number)
        light = scene.draw_light(dice)
        picture = scene.background(dice, image_size)
        layer = draw_hand(dice, int(labels[i]), image_size, light)
        scene.lay_over(picture, layer, light)
        images[i] = scene.photograph(dice, picture)
        outline = layer.hand >= 0.5
        boxes[i] = _box(outline, layer)
        if masks:
            outlines[i] = False
            height, width = outline.shape
            rows = slice(layer.top, layer.top + height)
            outlines[i, rows, layer.left : layer.left + width] = outline
    return Hands(images, labels, boxes, outlines)


def iter_batches(
    num_images, image_size=64, seed=0, *, start=0, masks=False, batch_size=256
):
    """Yield the `Hands` of `render` in batches, in constant memory.

    Thousands are drawn by several processes, up to one for each core. They end with the
    last batch, or with this process.

    >>> [len(batch.labels) for batch in iter_batches(10, batch_size=4)]
    [4, 4, 2]
    """
    _check(num_images=num_images, image_size=image_size, seed=seed, start=start)
    places = range(0, num_images, batch_size)
    num_painters = min(
        processes.num_cores(), num_images // _LEAST_PER_PAINTER, len(places)
    )
    # By a name that other processes know, too, where this module is the command.
    from resnet_keras import hands

    paint = partial(
        hands._render_batch,
        num_images=num_images,
        image_size=image_size,
        seed=seed,
        start=start,
        masks=masks,
        batch_size=batch_size,
    )
    yield from processes.results(paint, places, num_painters)


def _render_batch(place, num_images, start, batch_size, **options):
    """Return one of the batches of `iter_batches`, which begins at `place`."""
    number = min(batch_size, num_images - place)
    return render(number, start=start + place, **options)


def render_scenes(num_scenes, canvas_size=256, max_hands=8, seed=0, *, start=0):
    """Render pictures of one to eight hands each, to train detection on.

    Args:
        num_scenes: how many, 0 or more.
        canvas_size: side in pixels, 64 to 512.
        max_hands: 1 to 8; a scene holds one to that many.
        seed: 0 or more.
        start: number of the first scene, as in `render`.

    Returns:
        A list of `Scene`. Boxes are as in `render`, around what is visible of each
        hand: at least three quarters of it.

    Raises:
        InputError: an argument out of range.

    >>> scene, = render_scenes(1, canvas_size=128, seed=3)
    >>> scene.image.shape, len(scene.labels) == len(scene.boxes)
    ((128, 128, 3), True)
    """
    _check(num_scenes=num_scenes, seed=seed, start=start)
    _check_range("canvas_size", canvas_size, 64, SIZES[1])
    _check_range("max_hands", max_hands, 1, 8)
    return [
        _scene(canvas_size, max_hands, seed, start + number)
        for number in range(num_scenes)
    ]


def _scene(size, max_hands, seed, number):
    import numpy as np

    from resnet_keras import hand_scene as scene
    from resnet_keras.hand_model import Dice
    from resnet_keras.hand_paint import draw_hand

    dice = Dice(_SCENES, seed, number)
    light = scene.draw_light(dice)
    picture = scene.background(dice, size)
    wanted = 1 + int(dice.random() * max_hands)
    # One hand to a cell of a grid, from the top down: each arm comes from below, so it
    # is hidden by the hands that follow, and hides none.
    side = next(n for n in (1, 2, 3, 4) if n * n >= wanted) + dice.chance(0.3)
    cells = sorted(range(side * side), key=lambda cell: dice.random())[:wanted]
    cell_size = size / side
    labels, visible = [], []
    for cell in sorted(cells):
        row, column = divmod(cell, side)
        for _ in range(4):  # tries, until it hides little of the hands before it
            label = int(dice.random() * 6)
            layer = draw_hand(
                dice,
                label,
                size,
                light,
                unit=max(cell_size * dice.uniform(0.28, 0.48), 10),
                centre=(
                    (column + dice.uniform(0.42, 0.58)) * cell_size,
                    (row + dice.uniform(0.42, 0.58)) * cell_size,
                ),
                roll=max(-0.8, min(dice.bell(0, 0.4), 0.8)),
            )
            height, width = layer.alpha.shape
            rows = slice(layer.top, layer.top + height)
            here = (rows, slice(layer.left, layer.left + width))
            free = layer.alpha < 0.5
            if all(
                np.count_nonzero(outline) - np.count_nonzero(outline[here] & ~free)
                >= 0.75 * whole
                for whole, outline in visible
            ):
                break
        else:
            continue
        scene.lay_over(picture, layer, light)
        for _, outline in visible:
            outline[here] &= free
        outline = np.zeros((size, size), bool)
        outline[here] = layer.hand >= 0.5
        visible.append((np.count_nonzero(outline), outline))
        labels.append(label)
    boxes = np.array([_box(outline) for _, outline in visible], np.float32)
    return Scene(scene.photograph(dice, picture), np.array(labels, np.int64), boxes)


def _label(seed, number):
    """Sign of picture `number`: each block of six is its own shuffle of 0 to 5."""
    from resnet_keras.hand_model import Dice

    block, place = divmod(number, 6)
    dice = Dice(_ORDER, seed, block)
    return sorted(range(6), key=lambda sign: dice.random())[place]


def _box(outline, layer=None):
    """Smallest box around a mask, (x_min, y_min, x_max, y_max), moved to the layer."""
    rows, columns = outline.any(1).nonzero()[0], outline.any(0).nonzero()[0]
    left, top = (layer.left, layer.top) if layer else (0, 0)
    return (
        columns[0] + left,
        rows[0] + top,
        columns[-1] + 1 + left,
        rows[-1] + 1 + top,
    )


def _check(**arguments):
    for name, value in arguments.items():
        if name == "image_size":
            _check_range(name, value, *SIZES)
        else:
            _check_range(name, value, 0, 2**62)


def _check_range(name, value, low, high):
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise InputError(f"{name} is {value!r}; expected a whole number.")
    if not low <= value <= high:
        limit = f"from {low} to {high}" if high < 2**62 else f"of {low} or more"
        raise InputError(f"{name} is {value}; expected a whole number {limit}.")


def contact_sheet(columns=12, image_size=96, seed=0):
    """A Pillow image with one row per sign and `columns` hands in each row.

    >>> contact_sheet(columns=2, image_size=32).size
    (70, 206)
    """
    import numpy as np
    from PIL import Image

    hands = render(6 * columns, image_size, seed)
    step, gap = image_size + 2, 2
    size = (6 * step + gap, columns * step + gap, 3)
    sheet = np.full(size, 255, np.uint8)
    for i, k in enumerate(np.argsort(hands.labels, kind="stable")):
        row, column = divmod(i, columns)
        y, x = gap + row * step, gap + column * step
        sheet[y : y + image_size, x : x + image_size] = hands.images[k]
    return Image.fromarray(sheet)


def write_pair(directory, num_train=1080, num_test=120, image_size=64, seed=0):
    """Write `train_hands.h5` and `test_hands.h5` in the course's format.

    The two share no picture. Each file appears whole or not at all.

    Args:
        directory: made if it is not there.
        num_train: images in the training file, 1 or more.
        num_test: images in the test file, 1 or more.
        image_size: side in pixels, 16 to 512.
        seed: 0 or more.

    Returns:
        The two paths. Each file holds `<part>_set_x` uint8 (m, size, size, 3),
        `<part>_set_y` int64 (m,) and `list_classes` int64 (6,).

    Raises:
        InputError: an argument out of range.
        OSError: the directory cannot be written, or the disk is full.
    """
    _check_range("num_train", num_train, 1, TEST_START)
    _check_range("num_test", num_test, 1, TEST_START)
    _check(image_size=image_size, seed=seed)
    check_folder(directory)
    needed = (num_train + num_test) * 3 * image_size**2
    free = shutil.disk_usage(directory).free
    if needed > free:
        raise InputError(
            f"{directory}: has room for {free / 1e9:,.1f} GB but these hands take "
            f"{needed / 1e9:,.1f}; expected fewer, smaller ones, or another place."
        )
    paths = []
    for part, count, start in (("train", num_train, 0), ("test", num_test, TEST_START)):
        paths.append(os.path.join(directory, f"{part}_hands.h5"))
        _write_h5(paths[-1], part, count, image_size, seed, start)
    return tuple(paths)


def _write_h5(path, part, count, image_size, seed, start):
    import h5py
    import numpy as np

    with write_whole(path) as temporary, h5py.File(temporary, "w") as file:
        shape = (count, image_size, image_size, 3)
        images = file.create_dataset(f"{part}_set_x", shape, np.uint8)
        labels = file.create_dataset(f"{part}_set_y", (count,), np.int64)
        file["list_classes"] = np.arange(6, dtype=np.int64)
        done = 0
        for batch in iter_batches(count, image_size, seed, start=start):
            here = slice(done, done + len(batch.labels))
            images[here], labels[here] = batch.images, batch.labels
            done = here.stop


def parse_arguments(argv=None):
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
    args = parse_arguments(argv)
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
