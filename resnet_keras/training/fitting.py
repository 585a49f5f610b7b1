"""A model compiled, and trained, as a recipe says."""

from functools import partial

import keras

from resnet_keras.accelerate import optimizers
from resnet_keras.accelerate.copies import copy_weights, training_copy
from resnet_keras.accelerate.optimizers import FusedAdam
from resnet_keras.accelerate.probe import uses_fused_operations
from resnet_keras.files.finite import check_finite


def compile_for_training(model, recipe, steps_per_epoch, epochs):
    """Give `model` the recipe's optimizer, schedule, loss and statistics."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = recipe.statistics_momentum
    learning_rate = recipe.learning_rate
    if recipe.cosine_decay:
        learning_rate = keras.optimizers.schedules.CosineDecay(
            learning_rate, epochs * steps_per_epoch
        )
    optimizer = {
        "muon": partial(optimizers.Muon, products=model.layers[1].compute_dtype),
        "adam": FusedAdam,
    }[recipe.optimizer](learning_rate)
    model.compile(
        optimizer,
        keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing),
        metrics=["accuracy"],
        # XLA runs this network at a third of the speed on a CPU.
        jit_compile=False if uses_fused_operations() else "auto",
    )
    optimizer.build(model.trainable_variables)
    # Otherwise TensorFlow traces the first step twice, and on other backends Keras asks
    # for a batch before the epoch has begun.
    labels = keras.ops.eye(model.output_shape[-1])
    model.compute_loss(None, labels, labels)
    model.compute_metrics(None, labels, labels)
    model.reset_metrics()


def fit(model, batches, recipe, epochs, precision):
    """Train `model` by a recipe; nothing is printed or written.

    Args:
        model: functional `keras.Model`; it has the trained weights afterwards. Its
            kernels change during training, so an interrupted one is of no use.
        batches: `Batches`.
        recipe: `Recipe`.
        epochs: `range`, for `begin_epoch`; the schedule takes its length.
        precision: "float32" or "mixed_bfloat16", one for all trainings of a comparison.

    Raises:
        InputError: the weights are not finite at the end.
    """
    copy = training_copy(model, precision)
    compile_for_training(copy, recipe, len(batches), len(epochs))
    for epoch in epochs:
        batches.begin_epoch(epoch)
        copy.fit(batches, epochs=1, shuffle=False, verbose=0)
    copy_weights(copy, model)
    check_finite(model, "training")
