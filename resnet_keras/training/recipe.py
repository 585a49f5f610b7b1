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


@dataclass(frozen=True)
class Recipe:
    """The settings of a training run, with the defaults, which suit small data."""

    batch_size: int = 64
    optimizer: str = "muon"  # or "adam", Keras' own
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
        shift=0.0,
        scale=0.0,
        rotation=0.0,
        brightness=0.0,
        colour=0.0,
        per_layer_seeds=False,
        residual_branch_scale=1.0,
    ),
    # For pictures from other cameras, in other light, of other people.
    "robust": Recipe(shift=0.15, scale=0.2, rotation=15.0, corruption=1.0),
}
