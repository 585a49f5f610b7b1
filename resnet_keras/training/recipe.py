"""How we train: augmentation, optimizer, schedule, normalization statistics."""

from dataclasses import asdict, dataclass, fields, replace

from resnet_keras.errors import InputError

# Old and new names of settings; recorded recipes are read under either.
_RENAMED = {
    "varies_start": "per_layer_seeds",
    "branch_scale": "residual_branch_scale",
    "elsewhere": "corruption",
    "anneals": "cosine_decay",
}
# Settings that recipes of before do not have: they are as by default.
_LATER = (
    *("epochs", "image_size", "training_size", "variant", "rate_batch", "warmup"),
    *("weight_decay", "averaging", "loss", "crop", "rand_augment", "mixup", "cutmix"),
)


@dataclass(frozen=True)
class Recipe:
    """The settings of a training run, with the defaults, which suit small data."""

    batch_size: int = 64
    optimizer: str = "muon"  # or "adam", "sgd" (Nesterov's momentum of 0.9), "lamb"
    learning_rate: float = 1.5e-3  # at the beginning
    cosine_decay: bool = True  # the learning rate falls along a cosine, or stays
    label_smoothing: float = 0.1
    # Keras' 0.99 forgets the start after some 300 steps, ten epochs of a small set;
    # until then the moving averages describe a network of many epochs ago.
    statistics_momentum: float = 0.9
    flip: float = 0.5  # probability
    shift: float = 0.1  # largest, as a fraction of the side
    scale: float = 0.05  # largest, as a fraction
    rotation: float = 5.0  # largest, in degrees
    brightness: float = 0.1  # largest, as a fraction
    colour: float = 0.05  # largest difference between channels, as a fraction
    corruption: float = 0.0  # strength of random corruptions, 0 to 1
    per_layer_seeds: bool = True  # weights differ from layer to layer, and by the seed
    residual_branch_scale: float = 0.2  # initial, of F in Y = F(X) + X; Keras' is 1
    # For millions of pictures; here it is off.
    epochs: int = 0  # unless the run says; 0 leaves it to the number of images
    image_size: int = 64  # unless the run says
    training_size: float = 1.0  # side in training, as a fraction of the images' side
    variant: str = "course"  # of new networks, a key of `family.VARIANTS`
    rate_batch: int = 0  # the rate is for a step of so many images; 0: for any
    warmup: float = 0.0  # epochs in which the rate rises from 0
    weight_decay: float = 0.0  # of kernels; not of normalization and biases
    averaging: float = 0.0  # of weights, over about this fraction of the run
    loss: str = "categorical"  # or "binary": for each class, whether it is there
    crop: float = 0.0  # least area of a random crop, which replaces shift to rotation
    rand_augment: float = 0.0  # magnitude of two random operations, up to 10
    mixup: float = 0.0  # parameter of the Beta distribution that weighs two images
    cutmix: float = 0.0  # the same, for the area that one image has in another

    @property
    def name(self):
        """Its key in `RECIPES`, whatever the batch size and rate, or "custom".

        Example:

        >>> replace(RECIPES["course"], batch_size=8).name, Recipe(rotation=90).name
        ('course', 'custom')
        """
        for name, recipe in RECIPES.items():
            chosen = {key: getattr(self, key) for key in CHOSEN}
            if replace(recipe, **chosen) == self:
                return name
        return "custom"

    def step_rate(self, accumulate=1):
        """Return the learning rate of a step over `accumulate` batches.

        It is proportional to the number of images (Goyal et al. 2017), for LAMB to its
        square root (You et al. 2019); without `rate_batch` it is as it stands.

        Example:

        >>> replace(RECIPES["imagenet-90"], batch_size=256).step_rate(accumulate=4)
        0.4
        """
        if not self.rate_batch:
            return self.learning_rate
        factor = self.batch_size * accumulate / self.rate_batch
        return self.learning_rate * factor ** (0.5 if self.optimizer == "lamb" else 1)

    def training_side(self, side):
        """Return the side in training, in pixels, of images of a given side.

        Example:

        >>> RECIPES["imagenet-a3"].training_side(224)
        160
        """
        return round(self.training_size * side)

    def as_dict(self):
        """Return the settings as a dictionary, for config.json."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values):
        """Return the recipe that `as_dict` wrote, perhaps under old names.

        Raises:
            InputError: a setting is missing, unknown, or of another type.
        """
        known = {field.name: field.type for field in fields(cls)}
        for old, new in _RENAMED.items():
            if old in values and new in values:
                raise InputError(f"it has both {old!r} and {new!r}, its newer name")
        values = {_RENAMED.get(key, key): value for key, value in values.items()}
        values = {key: getattr(cls, key) for key in _LATER} | values
        if odd := sorted(values.keys() ^ known.keys()):
            raise InputError(
                f"its recipe and today's differ in having the setting {odd[0]!r}, so "
                "another version of this package wrote it"
            )
        for key, value in values.items():
            wanted = (int, float) if known[key] is float else known[key]
            if not isinstance(value, wanted) or (value is True and wanted is not bool):
                raise InputError(
                    f"{key} is {value!r}; expected a {known[key].__name__}"
                )
        return cls(**{key: known[key](value) for key, value in values.items()})

    def differences(self, now):
        """Return, in words, which settings another recipe has otherwise.

        Example:

        >>> Recipe().differences(Recipe(rotation=10.0))
        'rotation 5.0, now 10.0'
        """
        before, after = self.as_dict(), now.as_dict()
        return "; ".join(
            f"{key} {before[key]}, now {after[key]}"
            for key in before
            if before[key] != after[key]
        )


CHOSEN = ("batch_size", "learning_rate")  # what a run chooses within its recipe

_STILL = {"shift": 0.0, "scale": 0.0, "rotation": 0.0, "brightness": 0.0, "colour": 0.0}

RECIPES = {
    "default": Recipe(),
    # The course's notebook: all as Keras has it, and seed 0 in each layer.
    "course": Recipe(
        batch_size=32,
        optimizer="adam",
        learning_rate=1e-3,
        cosine_decay=False,
        label_smoothing=0.0,
        statistics_momentum=0.99,
        flip=0.0,
        **_STILL,
        per_layer_seeds=False,
        residual_branch_scale=1.0,
    ),
    # For pictures from other cameras, in other light, of other people.
    "robust": Recipe(shift=0.15, scale=0.2, rotation=15.0, corruption=1.0),
    # For detectors: a turned box no longer fits its object, and scenes are larger.
    "detection": Recipe(
        batch_size=16,
        learning_rate=1e-3,
        label_smoothing=0.0,
        statistics_momentum=0.95,
        shift=0.06,
        scale=0.1,
        rotation=0.0,
    ),
    # A million pictures, 90 epochs at 224 pixels. Goyal et al. 2017, arXiv 1706.02677,
    # with a cosine and label smoothing (He et al. 2018, arXiv 1812.01187). Expected:
    # top-1 of 76.1 % (torchvision's, in steps) to 77.1 % (NVIDIA's, cosine and
    # smoothing), in 2 hours on 8 A100. docs/scaling.md has the sources.
    "imagenet-90": Recipe(
        batch_size=256,
        optimizer="sgd",
        learning_rate=0.1,
        **_STILL,
        residual_branch_scale=0.0,
        epochs=90,
        image_size=224,
        variant="torch",
        rate_batch=256,
        warmup=5.0,
        weight_decay=1e-4,
        averaging=0.04,
        crop=0.08,
    ),
    # 100 epochs at 160 pixels, tested at 224. Wightman et al. 2021, arXiv 2110.00476,
    # procedure A3. Expected: top-1 of 78.1 %, in 1 hour on 8 A100.
    "imagenet-a3": Recipe(
        batch_size=2048,
        optimizer="lamb",
        learning_rate=8e-3,
        label_smoothing=0.0,
        **_STILL,
        residual_branch_scale=0.0,
        epochs=100,
        image_size=224,
        training_size=5 / 7,
        variant="torch",
        rate_batch=2048,
        warmup=5.0,
        weight_decay=0.02,
        averaging=0.04,
        loss="binary",
        crop=0.08,
        rand_augment=6.0,
        mixup=0.1,
        cutmix=1.0,
    ),
}
