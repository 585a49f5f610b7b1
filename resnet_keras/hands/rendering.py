"""Rendering: pictures of one hand, or of several, with labels, boxes and masks.

NumPy is imported with the first picture, so that a wrong command line answers at once.
"""

from functools import partial
from typing import NamedTuple

from resnet_keras import workers
from resnet_keras.errors import InputError

# Test pictures are numbered from here, a multiple of six; training pictures below it.
TEST_START = 6 * 2**28

SIZES = (16, 512)

_MOST = 2**62

# Images for each worker; a process takes longer to start than to draw 100.
LEAST_PER_WORKER = 1000
LEAST_SCENES_PER_WORKER = 100  # each takes as long as several images

# First number of each picture's key: images and scenes never share random numbers.
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

    from resnet_keras.hands import scene
    from resnet_keras.hands.drawing import draw_hand
    from resnet_keras.hands.randomness import RandomGenerator

    check(num_images, image_size, seed, start)
    images = np.empty((num_images, image_size, image_size, 3), np.uint8)
    labels = np.empty(num_images, np.int64)
    boxes = np.empty((num_images, 4), np.float32)
    outlines = np.empty((num_images, image_size, image_size), bool) if masks else None
    for i in range(num_images):
        number = start + i
        labels[i] = _label(seed, number)
        rng = RandomGenerator(_IMAGES, seed, number)
        light = scene.draw_light(rng)
        picture = scene.background(rng, image_size)
        layer = draw_hand(rng, int(labels[i]), image_size, light)
        scene.lay_over(picture, layer, light)
        images[i] = scene.photograph(rng, picture)
        outline = layer.hand >= 0.5
        boxes[i] = _box(outline, layer)
        if masks:
            outlines[i] = False
            outlines[i][layer.area] = outline
    return Hands(images, labels, boxes, outlines)


def iter_batches(
    num_images, image_size=64, seed=0, *, start=0, masks=False, batch_size=256
):
    """Yield the `Hands` of `render` in batches, in constant memory.

    Thousands are drawn by several processes, up to one per core, which end with the
    last batch or with this process.

    >>> [len(batch.labels) for batch in iter_batches(10, batch_size=4)]
    [4, 4, 2]
    """
    check(num_images, image_size, seed, start)
    starts = range(start, start + num_images, batch_size)
    num_workers = min(workers.num_cores(), num_images // LEAST_PER_WORKER, len(starts))
    render_batch = partial(
        _render_batch,
        end=start + num_images,
        batch_size=batch_size,
        image_size=image_size,
        seed=seed,
        masks=masks,
    )
    yield from workers.results(render_batch, starts, num_workers)


def _render_batch(start, end, batch_size, **options):
    """Return the batch of `iter_batches` that begins with picture `start`."""
    return render(min(batch_size, end - start), start=start, **options)


def render_scenes(
    num_scenes, canvas_size=256, max_hands=8, seed=0, *, start=0, min_hands=1
):
    """Render pictures of several hands each, or none, to train detection on.

    Args:
        num_scenes: how many, 0 or more.
        canvas_size: side in pixels, 64 to 512.
        max_hands: 1 to 8; a scene holds `min_hands` to that many, all equally often.
        seed: 0 or more.
        start: number of the first scene, as in `render`.
        min_hands: 0 to `max_hands`; with 0 some scenes show no hand.

    Returns:
        A list of `Scene`. Boxes are as in `render`, around what is visible of each
        hand: at least three quarters of it. A scene without a hand has boxes of
        shape (0, 4).

    Raises:
        InputError: an argument out of range.

    >>> scene, = render_scenes(1, canvas_size=128, seed=3)
    >>> scene.image.shape, len(scene.labels) == len(scene.boxes)
    ((128, 128, 3), True)
    """
    _check_scenes(num_scenes, canvas_size, max_hands, seed, start, min_hands)
    return [
        _scene(canvas_size, min_hands, max_hands, seed, start + number)
        for number in range(num_scenes)
    ]


def iter_scenes(
    num_scenes, canvas_size=256, max_hands=8, seed=0, *, start=0, min_hands=1
):
    """Yield the scenes of `render_scenes` one by one, in constant memory.

    Hundreds are drawn by several processes, as in `iter_batches`.

    >>> sum(len(scene.labels) for scene in iter_scenes(3, 64, max_hands=1))
    3
    """
    _check_scenes(num_scenes, canvas_size, max_hands, seed, start, min_hands)
    numbers = range(start, start + num_scenes)
    num_workers = min(workers.num_cores(), num_scenes // LEAST_SCENES_PER_WORKER)
    draw = partial(_scene, canvas_size, min_hands, max_hands, seed)
    yield from workers.results(draw, numbers, num_workers)


def _scene(size, min_hands, max_hands, seed, number):
    import numpy as np

    from resnet_keras.hands import scene
    from resnet_keras.hands.randomness import RandomGenerator

    rng = RandomGenerator(_SCENES, seed, number)
    light = scene.draw_light(rng)
    picture = scene.background(rng, size)
    num_hands = min_hands + int(rng.random() * (max_hands + 1 - min_hands))
    # One hand to a cell of a grid, from the top down: each arm comes from below, so the
    # next hands hide it, and it hides no hand.
    side = next(n for n in (1, 2, 3, 4) if n * n >= num_hands) + rng.bernoulli(0.3)
    cells = sorted(range(side * side), key=lambda cell: rng.random())[:num_hands]
    labels, visible = [], []  # outlines with the number of their pixels at first
    for cell in sorted(cells):
        for _ in range(4):  # tries, until it hides little of the earlier hands
            label = int(rng.random() * 6)
            layer = _hand_in_cell(rng, label, size, light, divmod(cell, side), side)
            here, free = layer.area, layer.alpha < 0.5
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
    labels = np.array(labels, np.int64)
    return Scene(scene.photograph(rng, picture), labels, boxes.reshape(-1, 4))


def _hand_in_cell(rng, label, size, light, cell, num_cells):
    """Return the `Layer` of a hand in cell (row, column) of a square grid."""
    from resnet_keras.hands.drawing import draw_hand

    row, column = cell
    cell_size = size / num_cells
    return draw_hand(
        rng,
        label,
        size,
        light,
        unit=max(cell_size * rng.uniform(0.28, 0.48), 10),
        centre=(
            (column + rng.uniform(0.42, 0.58)) * cell_size,
            (row + rng.uniform(0.42, 0.58)) * cell_size,
        ),
        roll=max(-0.8, min(rng.normal(0, 0.4), 0.8)),
    )


def _label(seed, number):
    """Sign of picture `number`: each block of six is its own shuffle of 0 to 5."""
    from resnet_keras.hands.randomness import RandomGenerator

    block, position = divmod(number, 6)
    rng = RandomGenerator(_ORDER, seed, block)
    return sorted(range(6), key=lambda sign: rng.random())[position]


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


def check(num_images=0, image_size=64, seed=0, start=0):
    """Raise `InputError` where an argument of `render` is out of range."""
    check_range("num_images", num_images)
    check_range("image_size", image_size, *SIZES)
    check_range("seed", seed)
    check_range("start", start)


def _check_scenes(num_scenes, canvas_size, max_hands, seed, start, min_hands):
    check_range("num_scenes", num_scenes)
    check(seed=seed, start=start)
    check_range("canvas_size", canvas_size, 64, SIZES[1])
    check_range("max_hands", max_hands, 1, 8)
    check_range("min_hands", min_hands, 0, max_hands)


def check_range(name, value, low=0, high=_MOST):
    """Raise `InputError` unless `value` is a whole number from `low` to `high`."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise InputError(f"{name} is {value!r}; expected a whole number.")
    if not low <= value <= high:
        limit = f"of {low} or more" if high == _MOST else f"from {low} to {high}"
        raise InputError(f"{name} is {value}; expected a whole number {limit}.")
