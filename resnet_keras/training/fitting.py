"""A model compiled, and trained, as a recipe says."""

import keras

from resnet_keras.accelerate.copies import copy_weights, training_copy
from resnet_keras.accelerate.graph import output_layers
from resnet_keras.accelerate.probe import uses_fused_operations
from resnet_keras.files.finite import check_finite
from resnet_keras.nets.graph import deep_recursion
from resnet_keras.training.optimizers import momentum, optimizer_for, swap_averages

_POOL = "avg_pool"
_LOSSES = {
    "categorical": keras.losses.CategoricalCrossentropy,
    "binary": keras.losses.BinaryCrossentropy,
}


def network_in_training(model, recipe):
    """Return the network to train instead of `model`, as the recipe wants it.

    Args:
        model: functional `keras.Model`, a classifier.
        recipe: `Recipe`.

    Returns:
        `model` itself; or, with the same layer names and weights of its own, a network
        for images of the recipe's `training_size`, or one whose outputs say of each
        class whether it is there.
    """
    if recipe.training_size == 1 and recipe.loss == "categorical":
        return model
    side = recipe.training_side(model.input_shape[1])
    [head] = output_layers(model)

    def clone(layer):
        config = layer.get_config()
        if recipe.loss == "binary" and layer.name == head:
            config["activation"] = "sigmoid"
        if layer.name == _POOL:  # whose size is that of the last feature maps
            return keras.layers.GlobalAveragePooling2D(name=_POOL)
        return type(layer).from_config(config)

    inputs = keras.Input((side, side, model.input_shape[-1]))
    with deep_recursion():
        result = keras.models.clone_model(model, inputs, clone_function=clone)
    copy_weights(model, result)
    return result


def compile_for_training(
    model, recipe, steps_per_epoch, epochs, loss=None, accumulate=1
):
    """Give `model` the recipe's optimizer, schedule, loss and statistics.

    Args:
        model: training copy of a network.
        recipe: `Recipe`.
        steps_per_epoch: int, number of batches.
        epochs: int.
        loss: Keras loss, or function of targets and predictions. None: a classifier's,
            and its accuracy is measured.
        accumulate: how many batches a step of the optimizer takes the mean of.
    """
    num_batches = steps_per_epoch * epochs
    # The statistics of averaged weights are averaged as they are.
    kept = momentum(recipe, num_batches) if recipe.averaging else 0
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = max(recipe.statistics_momentum, kept)
    optimizer = optimizer_for(model, recipe, num_batches, epochs, accumulate)
    classifies = loss is None
    model.compile(
        optimizer,
        loss or _LOSSES[recipe.loss](label_smoothing=recipe.label_smoothing),
        metrics=["accuracy"] if classifies else None,
        # XLA runs this network at a third of the speed on a CPU.
        jit_compile=False if uses_fused_operations() else "auto",
    )
    optimizer.build(model.trainable_variables)
    if not classifies:
        return
    # Otherwise TensorFlow traces the first step twice, and on other backends Keras asks
    # for a batch before the epoch has begun.
    labels = keras.ops.eye(model.output_shape[-1])
    model.compute_loss(None, labels, labels)
    model.compute_metrics(None, labels, labels)
    model.reset_metrics()


def fit(model, batches, recipe, epochs, precision, loss=None):
    """Train `model` by a recipe; nothing is printed or written.

    Args:
        model: functional `keras.Model`; it has the trained weights afterwards. Its
            kernels change during training, so an interrupted one is of no use.
        batches: `Batches`.
        recipe: `Recipe`.
        epochs: `range`, for `begin_epoch`; the schedule takes its length.
        precision: "float32" or "mixed_bfloat16", one for all trainings of a comparison.
        loss: Keras loss, or function of targets and predictions. None: a classifier's.

    Raises:
        InputError: the weights are not finite at the end.
    """
    copy = training_copy(network_in_training(model, recipe), precision)
    compile_for_training(copy, recipe, len(batches), len(epochs), loss)
    _fit(copy, model, batches, epochs)


class Fits:
    """Trainings of one network, each as `fit` would do it from other weights.

    TensorFlow traces the network once for all, which takes longer than an epoch of a
    few hundred small images.

    Args:
        model: functional `keras.Model`, a classifier; it has the weights of the last
            training.
        recipe: `Recipe`.
        steps_per_epoch: int, the most batches of an epoch.
        num_epochs: int.
        precision: as in `fit`.
    """

    def __init__(self, model, recipe, steps_per_epoch, num_epochs, precision):
        self._model, self._epochs = model, range(num_epochs)
        self._copy = training_copy(network_in_training(model, recipe), precision)
        compile_for_training(self._copy, recipe, steps_per_epoch, num_epochs)
        variables = self._copy.optimizer.variables
        self._begun = [keras.ops.convert_to_numpy(variable) for variable in variables]

    def fit(self, start, batches):
        """Train from the weights of `start`, a network of the same layers.

        Returns:
            `model`, which has the trained weights until the next training.

        Raises:
            InputError: the weights are not finite at the end.
        """
        copy_weights(start, self._model)
        copy_weights(self._model, self._copy)
        variables = self._copy.optimizer.variables
        for variable, value in zip(variables, self._begun, strict=True):
            variable.assign(value)
        _fit(self._copy, self._model, batches, self._epochs)
        return self._model


def _fit(copy, model, batches, epochs):
    begin = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: batches.begin_epoch(epoch)
    )
    copy.fit(
        batches,
        initial_epoch=epochs.start,
        epochs=epochs.stop,
        shuffle=False,
        verbose=0,
        callbacks=[begin],
    )
    swap_averages(copy)
    copy_weights(copy, model)
    check_finite(model, "training")
