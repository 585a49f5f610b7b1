"""What defines a training run, `RunConfig`, and what it depends on, `Provenance`."""

import json
import re
from dataclasses import dataclass, fields, replace

from resnet_keras import family
from resnet_keras.commands.options import wanted
from resnet_keras.errors import InputError
from resnet_keras.training.recipe import CHOSEN, RECIPES, Recipe

PRECISIONS = ("float32", "mixed_bfloat16")
# Kind, least and largest of each number, as options and settings take it.
LIMITS = {
    "image_size": (int, 32, 1024),
    "epochs": (int, 1, 1_000_000),
    "seed": (int, 0, 2**31),
    "freeze_until": (int, 1, 5),
    "batch_size": (int, 2, None),
    "learning_rate": (float, 1e-8, 10),
    "extra_weight": (float, 0.01, 100),
    "accumulate": (int, 1, 4096),
}
NUM_IMAGES_SHOWN = 20_000  # by default: about four minutes on two cores
_SHOWN_WITH_EXTRA = 2 * NUM_IMAGES_SHOWN  # two kinds of images take longer
_LEAST_EPOCHS = 3
# The packages whose version changes the numbers of a run.
_BACKENDS = ("tensorflow", "jax", "torch")
NUMERIC = ("keras", *_BACKENDS, "numpy", "pillow")


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """All that defines a training run, with the defaults.

    Two runs with equal configurations, data and machines end with equal weights.

    Args:
        data: where the images come from, as `load_dataset` takes it. None: unknown.
        model: a name of the family, such as "resnet18".
        recipe: `Recipe`, with the batch size and the learning rate.
        image_size: side of the images in pixels; `train` takes that of its data set.
        epochs: passes over the training images. None: as the recipe says, or decided
            by their number.
        seed: of weights, shuffling and augmentation.
        precision: of multiplications, "float32" or "mixed_bfloat16"; weights and
            predictions are float32 either way. None: decided by the processor.
        weights: file of initial weights, or "imagenet". None: random weights.
        freeze_until: with `weights`, the last stage that stays as it is; 1 is the stem.
        balance: whether each class weighs alike in the loss, however few images it has.
        extra: where further training images come from, as `data`. None: nowhere.
        extra_weight: with `extra`, how many of its images an epoch shows, about, for
            each of `data`; see `repeats`.
        accumulate: how many batches a step of the optimizer takes the mean of: with
            batches of 64, 4 is a step over 256 images in the memory of 64.
        stream: whether pictures are read as they are used, as `load_dataset` takes it.
            None: decided by their number and size.
        checkpoint_every: when to save within an epoch: after so many steps, "200", or
            minutes, "10m". It changes no number. None: after each epoch only.

    Raises:
        InputError: a value is not one of those, or `freeze_until` comes alone.

    Example:

    >>> config = RunConfig(model="resnet18", epochs=5)
    >>> RunConfig.from_dict(config.as_dict()) == config
    True
    """

    data: str | None = None
    model: str = "resnet50"
    recipe: Recipe = RECIPES["default"]
    image_size: int = Recipe.image_size
    epochs: int | None = None
    seed: int = 0
    precision: str | None = None
    weights: str | None = None
    freeze_until: int | None = None
    balance: bool = False
    extra: str | None = None
    extra_weight: float = 2.5
    accumulate: int = 1
    stream: bool | None = None
    checkpoint_every: str | None = None

    def __post_init__(self):
        family.check_name(self.model)
        if not isinstance(self.recipe, Recipe):
            raise InputError(f"recipe is {self.recipe!r}; expected a Recipe.")
        for name in LIMITS:
            owner = self.recipe if name in CHOSEN else self
            _check_number(name, getattr(owner, name))
        for name in ("data", "weights", "extra"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, str) and value):
                raise InputError(f"{name} is {value!r}; expected a text, or none.")
        if self.precision not in (None, *PRECISIONS):
            raise InputError(
                f"precision is {self.precision!r}; expected {' or '.join(PRECISIONS)}."
            )
        for name in ("balance", "stream"):
            value = getattr(self, name)
            if not isinstance(value, bool) and (name, value) != ("stream", None):
                raise InputError(f"{name} is {value!r}; expected true or false.")
        if self.checkpoint_every is not None:
            steps_or_seconds(self.checkpoint_every)
        if self.freeze_until and not self.weights:
            raise InputError(
                "freeze_until is given without weights; untrained stages are not worth "
                "keeping."
            )

    @classmethod
    def of_options(cls, options):
        """Return the configuration for a command's options.

        Args:
            options: dictionary with any field's name, and `batch_size` and
                `learning_rate`; the recipe by its name.
        """
        name = options.get("recipe", cls.recipe.name)
        if name not in RECIPES:
            raise InputError(f"recipe is {name!r}; expected {' or '.join(RECIPES)}.")
        recipe = RECIPES[name]
        chosen = {key: options[key] for key in CHOSEN if key in options}
        others = {key: options[key] for key in options.keys() - {*CHOSEN, "recipe"}}
        others = {"image_size": recipe.image_size} | others
        return cls(**others, recipe=replace(recipe, **chosen))

    def options(self):
        """Return what `of_options` takes, if the recipe is one of `RECIPES`."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        chosen = {key: getattr(self.recipe, key) for key in CHOSEN}
        return values | {"recipe": self.recipe.name} | chosen

    def resolved(self, dataset):
        """Return the configuration with what the data and the machine decide.

        Args:
            dataset: `Dataset`; a smaller one gets more epochs, three at least.
        """
        from resnet_keras.accelerate.probe import default_precision

        number, shown = len(dataset.train) - dataset.num_validation, NUM_IMAGES_SHOWN
        if getattr(dataset, "extra", None):  # pictures with boxes have none
            number = number * self.repeats(dataset) + len(dataset.extra)
            shown = _SHOWN_WITH_EXTRA
        epochs = max(_LEAST_EPOCHS, round(shown / number))
        return replace(
            self,
            data=self.data or str(dataset.source),
            image_size=dataset.image_size,
            epochs=self.epochs or self.recipe.epochs or epochs,
            precision=self.precision or default_precision(),
            stream=getattr(dataset, "is_streamed", False) or self.stream,
        )

    def repeats(self, dataset):
        """Return how often an epoch shows each training image of the data itself.

        Each extra image is shown once. Those of the data are shown so often that there
        are about `extra_weight` extra images for one of theirs, and at least once.

        Args:
            dataset: `Dataset`, perhaps with `extra`.
        """
        if not dataset.extra:
            return 1
        number = len(dataset.train) - dataset.num_validation
        return max(1, round(len(dataset.extra) / (self.extra_weight * number)))

    def as_dict(self):
        """Return the configuration as JSON takes it: the recipe's name and settings."""
        return self.options() | {"settings": self.recipe.as_dict()}

    @classmethod
    def from_dict(cls, values):
        """Return the configuration that `as_dict` wrote, in this version or before.

        Raises:
            InputError: a value is missing or wrong, or the recipe of that name has
                other settings today.
        """
        names = [field.name for field in fields(cls)]
        # Runs of before do not have them.
        later = (
            *("balance", "extra", "extra_weight", "accumulate"),
            *("stream", "checkpoint_every"),
        )
        values = {name: getattr(cls, name) for name in later} | values
        for key in (*names, *CHOSEN, "settings"):
            if key not in values:
                raise InputError(f"it has no {key!r}")
        recipe = Recipe.from_dict(values["settings"])
        if any(values[key] != getattr(recipe, key) for key in CHOSEN):
            raise InputError("batch size or learning rate are not those of its recipe")
        name = values["recipe"]
        if recipe.name != name:
            chosen = {key: getattr(recipe, key) for key in CHOSEN}
            today = replace(RECIPES[name], **chosen) if name in RECIPES else None
            how = recipe.differences(today) if today else "which is unknown today"
            raise InputError(f"it began by another recipe {name!r}: {how}")
        return cls(**{key: values[key] for key in names} | {"recipe": recipe})

    @classmethod
    def read(cls, path):
        """Return the configuration of a run from its `config.json`.

        Raises:
            InputError: it is not there, is not JSON, or cannot be taken (`from_dict`).
        """
        try:
            values = json.loads(path.read_text())
            if not isinstance(values, dict):
                raise InputError(f"it is a {type(values).__name__}")
            return cls.from_dict(values)
        except (ValueError, OSError) as error:  # so are InputError and JSON's
            reason = str(error).rstrip(".")
            raise InputError(
                f"{path}: this run cannot be resumed ({reason}). Use --overwrite, or "
                "--out for another place."
            ) from error


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """What a run's numbers depend on besides its configuration.

    Args:
        labels: the data's digest, `Dataset.digest`; None where it is not known.
        settings: the recipe's, `Recipe.as_dict`.
        threads: how many share an operation (`accelerate.threads`); None where it is
            not known. It decides the last bits.
        devices: how many share a batch; None where it is not known. So does it.
        versions: by package.
    """

    labels: str | None
    settings: dict
    threads: int | None = None
    devices: int | None = None
    versions: dict

    @classmethod
    def of(cls, dataset, config):
        """Return the provenance of a run that begins now."""
        import PIL

        from resnet_keras.accelerate.threads import num_threads
        from resnet_keras.distributed.devices import num_devices
        from resnet_keras.files import versions

        return cls(
            labels=dataset.digest(),
            settings=config.recipe.as_dict(),
            threads=num_threads(),
            devices=num_devices(),
            versions=versions() | {"pillow": PIL.__version__},
        )

    @classmethod
    def from_dict(cls, values):
        """Return what `as_dict` wrote; what is missing is not known."""
        return cls(
            labels=values.get("labels"),
            settings=values["settings"],
            threads=values.get("threads"),
            devices=values.get("devices"),
            versions=values.get("versions", {}),
        )

    def as_dict(self):
        """Return a dictionary, for config.json."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def difference(self, now):
        """Return in one sentence why a run cannot go on now, or None.

        What was not recorded is not compared. This package's own version does not
        count: equal settings of the recipe give equal numbers in each.
        """
        if self.labels not in (None, now.labels):
            return (
                "the data are not those that this run began with: classes or numbers "
                "of images have changed, so images that it tests on may have been "
                "trained on. Restore them"
            )
        before = Recipe.from_dict(self.settings)
        if changed := before.differences(Recipe.from_dict(now.settings)):
            return f"this run began by another recipe: {changed}"
        for backend in _BACKENDS:
            if backend in self.versions and backend not in now.versions:
                return f"this run began with KERAS_BACKEND={backend}; set it again"
        others = {
            package: self.versions[package]
            for package in NUMERIC
            if package in self.versions
            and self.versions[package] != now.versions.get(package)
        }
        if others:
            old = ", ".join(f"{package} {others[package]}" for package in others)
            new = ", ".join(
                f"{package} {now.versions.get(package, 'missing')}"
                for package in others
            )
            install = " ".join(f"{key}=={value}" for key, value in others.items())
            return (
                f"this run began with {old}, and here is {new}, which may give other "
                f"numbers. Go back with `pip install {install}`"
            )
        return None


def steps_or_seconds(text):
    """Return what `checkpoint_every` says: (steps, None) or (None, seconds).

    Raises:
        InputError: it is neither.

    Example:

    >>> steps_or_seconds("200"), steps_or_seconds("10m")
    ((200, None), (None, 600))
    """
    found = re.fullmatch(r"([1-9]\d{0,8})(m?)", text) if isinstance(text, str) else None
    if not found:
        raise InputError(
            f"checkpoint_every is {text!r}; expected a number of steps, such as 200, "
            "or of minutes, such as 10m."
        )
    number = int(found[1])
    return (None, 60 * number) if found[2] else (number, None)


def _check_number(name, value):
    kind, minimum, maximum = LIMITS[name]
    if value is None and name in ("epochs", "freeze_until"):
        return
    kinds = (int, float) if kind is float else (int,)
    limit = float("inf") if maximum is None else maximum
    is_number = isinstance(value, kinds) and not isinstance(value, bool)
    if not is_number or not minimum <= value <= limit:
        raise InputError(
            f"{name} is {value!r}; expected {wanted(kind, minimum, maximum)}."
        )
