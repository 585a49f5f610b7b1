"""The old path of what `resnet_keras.training` holds about recipes."""

from resnet_keras.training.augmentation import Batches, augment
from resnet_keras.training.fitting import compile_for_training, fit
from resnet_keras.training.recipe import RECIPES, Recipe

__all__ = ["RECIPES", "Batches", "Recipe", "augment", "compile_for_training", "fit"]
