"""How we train: augmentation, optimizer, schedule, normalization statistics."""

from dataclasses import asdict, dataclass
from functools import partial

import keras
import numpy as np
from PIL import Image

from resnet_keras import elsewhere, fused, optimizers


@dataclass(frozen=True)
class Recipe:
    """The settings of a training run; the values are the defaults for small data."""

    batch_size: int = 64
    optimizer: str = "muon"  # or "adam", Keras' own
    learning_rate: float = 1.5e-3  # at the beginning
    anneals: bool = True  # the learning rate falls along a cosine, or stays
    label_smoothing: float = 0.1
    # Keras' 0.99 forgets the start after some 300 steps, twenty epochs of a small set;
    # until then the moving averages describe a network that is long gone.
    statistics_momentum: float = 0.9
    flip: float = 0.5  # probability
    shift: float = 0.1  # largest, as a share of the side
    scale: float = 0.05  # largest, as a share
    rotation: float = 5.0  # largest, in degrees
    brightness: float = 0.1  # largest, as a share
    colour: float = 0.05  # largest difference between channels, as a share
    elsewhere: float = 0.0  # how far light, wall and camera change, 0 to 1
    varies_start: bool = True  # weights differ from layer to layer, and by the seed
    branch_scale: float = 0.2  # with which F begins in Y = F(X) + X; Keras' is 1

    def as_dict(self):
        """Return the settings as a dictionary, for config.json."""
        return asdict(self)


RECIPES = {
    "default": Recipe(),
    # The course's notebook: all as Keras has it, and seed 0 in each layer.
    "course": Recipe(
        batch_size=32,
        optimizer="adam",
        learning_rate=1e-3,
        anneals=False,
        label_smoothing=0.0,
        statistics_momentum=0.99,
        flip=0.0,
        shift=0.0,
        scale=0.0,
        rotation=0.0,
        brightness=0.0,
        colour=0.0,
        varies_start=False,
        branch_scale=1.0,
    ),
    # For pictures taken elsewhere: by other cameras, in other light, of other people.
    "robust": Recipe(shift=0.15, scale=0.2, rotation=15.0, elsewhere=1.0),
}


class Batches(keras.utils.PyDataset):
    """Shuffled, augmented batches; epoch and position alone decide what they hold.

    So a run that is resumed sees what it would have seen uninterrupted. Whoever trains
    calls `begin_epoch` (and gives `fit` shuffle=False). Batches are
    float32 (batch_size, size, size, 3) in [0, 1] and one-hot labels (batch_size,
    num_classes). All are full: what is left over at the end of an epoch waits for
    another shuffle. `prepare`, if given, turns a batch into what the network expects.
    """

    def __init__(self, images, one_hot, rows, batch_size, recipe, seed, prepare=None):
        # With one worker Keras 3.15 feeds TensorFlow 2.21 through a self-tuning buffer,
        # which stood still for 18 s at the start of every other epoch.
        super().__init__(workers=2)
        self._images, self._one_hot, self._rows = images, one_hot, rows
        self._batch_size = min(batch_size, len(rows))
        self._recipe, self._seed = recipe, seed
        self._prepare = prepare
        self.begin_epoch(0)

    def __len__(self):
        return len(self._rows) // self._batch_size

    def __getitem__(self, index):
        chosen = self._order[index * self._batch_size :][: self._batch_size]
        rng = np.random.default_rng([self._seed, self._epoch, index])
        images = [augment(self._images[row], self._recipe, rng) for row in chosen]
        batch = np.stack(images)
        if self._prepare:
            batch = self._prepare(batch)
        return batch, self._one_hot[chosen]

    def begin_epoch(self, epoch):
        """Shuffle for the given epoch, counted from 0."""
        self._epoch = epoch
        rng = np.random.default_rng([self._seed, epoch])
        self._order = rng.permutation(self._rows)


def augment(image, recipe, rng):
    """Return a random variant of an image, as float32 in [0, 1].

    One affine map shifts, scales, rotates and flips, so that the picture is sampled
    only once; pixels from beyond the border repeat its edge. Then light and colour
    change. Before that, the robust recipe takes the picture elsewhere.

    Args:
        image: uint8 (size, size, 3).
        recipe: `Recipe`.
        rng: `numpy.random.Generator`.
    """
    if recipe.elsewhere:
        image = elsewhere.other(image, recipe.elsewhere, rng)
    size = image.shape[0]
    angle = np.deg2rad(rng.uniform(-recipe.rotation, recipe.rotation))
    zoom = np.exp(rng.uniform(-1, 1) * np.log1p(recipe.scale))
    mirror = -1 if rng.random() < recipe.flip else 1
    shift = rng.uniform(-recipe.shift, recipe.shift, 2) * size
    cos, sin = np.cos(angle) / zoom, np.sin(angle) / zoom
    # From a pixel of the result to its place in the (padded) source, about the centre.
    margin = size // 2
    linear = np.array([[cos * mirror, -sin], [sin * mirror, cos]])
    centre = np.full(2, size / 2)  # Pillow counts from the corner of the first pixel
    offset = centre - linear @ (centre + shift) + margin
    padded = np.pad(image, [(margin, margin), (margin, margin), (0, 0)], "edge")
    moved = Image.fromarray(padded).transform(
        (size, size),
        Image.Transform.AFFINE,
        (*linear[0], offset[0], *linear[1], offset[1]),
        Image.Resampling.BILINEAR,
    )
    gain = 1 + rng.uniform(-recipe.brightness, recipe.brightness)
    gains = gain * (1 + rng.uniform(-recipe.colour, recipe.colour, 3))
    return np.clip(np.asarray(moved) * np.float32(gains / 255), 0, 1).astype(np.float32)


def compile_for_training(model, recipe, steps_per_epoch, epochs):
    """Give `model` the recipe's optimizer, schedule, loss and statistics."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = recipe.statistics_momentum
    learning_rate = recipe.learning_rate
    if recipe.anneals:
        learning_rate = keras.optimizers.schedules.CosineDecay(
            learning_rate, epochs * steps_per_epoch
        )
    optimizer = {
        "muon": partial(optimizers.Muon, products=model.layers[1].compute_dtype),
        "adam": fused.FusedAdam,
    }[recipe.optimizer](learning_rate)
    model.compile(
        optimizer,
        keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing),
        metrics=["accuracy"],
        # XLA runs this network at a third of the speed on a CPU.
        jit_compile=False if fused.is_useful() else "auto",
    )
    optimizer.build(model.trainable_variables)
    # What is made only in the first step has TensorFlow trace that step twice, and has
    # Keras ask for a batch, in other backends, before the epoch has begun.
    answers = keras.ops.eye(model.output_shape[-1])
    model.compute_loss(None, answers, answers)
    model.compute_metrics(None, answers, answers)
    model.reset_metrics()


def fit(model, batches, recipe, epochs, precision):
    """Train `model` by a recipe, without a word or a file.

    Args:
        model: functional `keras.Model`; it has the trained weights afterwards. Its
            kernels change meanwhile: if training breaks off it is of no use.
        batches: `Batches`.
        recipe: `Recipe`.
        epochs: `range`, for `begin_epoch`; the schedule takes its length.
        precision: "float32" or "mixed_bfloat16", one for all trainings of a comparison.
    """
    twin = fused.training_twin(model, precision)
    compile_for_training(twin, recipe, len(batches), len(epochs))
    for epoch in epochs:
        batches.begin_epoch(epoch)
        twin.fit(batches, epochs=1, shuffle=False, verbose=0)
    fused.copy_weights(twin, model)
