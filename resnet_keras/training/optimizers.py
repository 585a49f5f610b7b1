"""The optimizer and the schedule of a recipe."""

import keras
from keras import ops

from resnet_keras.accelerate.optimizers import FusedAdam, KeepsAverages, Muon

_MOMENTUM = 0.9  # of SGD


class SGD(KeepsAverages, keras.optimizers.SGD):
    """`keras.optimizers.SGD`, but for what becomes of averages."""


class Lamb(KeepsAverages, keras.optimizers.Lamb):
    """LAMB as its paper has it: the decay is part of the step that is made to size.

    A kernel moves by `learning_rate` times its own norm, whatever its gradient. What
    does not decay, normalization and biases, takes Adam's steps. Keras' own takes the
    decay off beforehand, and moves a scale that begins with 0 by next to nothing.

    Args:
        **options: of `keras.optimizers.Lamb`.

    Source: You et al. (2019), arXiv 1904.00962, algorithm 2; as in timm, whose epsilon
    this is.
    """

    def __init__(self, learning_rate=1e-3, epsilon=1e-6, **options):
        super().__init__(learning_rate, epsilon=epsilon, **options)

    def _apply_weight_decay(self, variables):
        """Do nothing: `update_step` does."""

    def update_step(self, gradient, variable, learning_rate):
        """Update one variable."""
        index = self._get_variable_index(variable)
        mean, square = self._momentums[index], self._velocities[index]
        self.assign_add(mean, (gradient - mean) * (1 - self.beta_1))
        self.assign_add(square, (ops.square(gradient) - square) * (1 - self.beta_2))
        number = ops.cast(self.iterations + 1, "float32")
        step = mean / (1 - self.beta_1**number)
        step /= ops.sqrt(square / (1 - self.beta_2**number)) + self.epsilon
        if self.weight_decay and self._use_weight_decay(variable):
            step += self.weight_decay * variable
            own, other = (ops.sqrt(ops.sum(ops.square(X))) for X in (variable, step))
            step *= ops.where(own * other > 0, own / ops.maximum(other, 1e-30), 1.0)
        self.assign_sub(variable, learning_rate * step)


class PerStep(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule that counts steps; Keras counts the batches that steps are made of.

    Args:
        schedule: Keras schedule.
        accumulate: number of batches in a step.
    """

    def __init__(self, schedule, accumulate):
        super().__init__()
        self.schedule, self.accumulate = schedule, accumulate

    def __call__(self, step):
        """Return the learning rate of a batch."""
        return self.schedule(step // self.accumulate)

    def get_config(self):
        """Return the arguments of the constructor."""
        return {"schedule": self.schedule, "accumulate": self.accumulate}


def optimizer_for(model, recipe, num_batches, epochs, accumulate=1):
    """Return a recipe's optimizer, not yet built.

    Args:
        model: to be trained; its kernels decay, if the recipe says so.
        recipe: `Recipe`, with the learning rate of this phase.
        num_batches: of the whole phase.
        epochs: of the whole phase.
        accumulate: number of batches in a step.

    Returns:
        Keras optimizer.

    Raises:
        KeyError: there is no optimizer of that name.
    """
    options = {}
    if recipe.averaging:
        # Keras averages after each batch, whether it ends a step or not.
        options |= {"use_ema": True, "ema_momentum": momentum(recipe, num_batches)}
    if accumulate > 1:
        options["gradient_accumulation_steps"] = accumulate
    rate = schedule(recipe, num_batches // accumulate, epochs, accumulate)
    decay = recipe.weight_decay or None
    make = {
        "muon": lambda: Muon(
            rate, model.layers[1].compute_dtype, weight_decay=decay, **options
        ),
        "adam": lambda: FusedAdam(rate, weight_decay=decay, **options),
        "sgd": lambda: SGD(
            rate,
            _MOMENTUM,
            nesterov=True,
            # In the sources the decay is part of the gradient and goes through the
            # momentum, which adds it up to this. Keras takes it off the weights.
            weight_decay=decay and decay / (1 - _MOMENTUM),
            **options,
        ),
        "lamb": lambda: Lamb(rate, weight_decay=decay, **options),
    }[recipe.optimizer]
    optimizer = make()
    if decay:
        vectors = [each for each in model.trainable_variables if len(each.shape) < 2]
        optimizer.exclude_from_weight_decay(vectors)
    return optimizer


def schedule(recipe, num_steps, epochs, accumulate=1):
    """Return a recipe's learning rate: a number, or a Keras schedule by batches."""
    rate = recipe.step_rate(accumulate)
    warmup = min(round(recipe.warmup * num_steps / epochs), num_steps // 2)
    if not recipe.cosine_decay:
        return rate
    if warmup:
        result = keras.optimizers.schedules.CosineDecay(
            0.0, num_steps - warmup, warmup_target=rate, warmup_steps=warmup
        )
    else:
        result = keras.optimizers.schedules.CosineDecay(rate, num_steps)
    return PerStep(result, accumulate) if accumulate > 1 else result


def momentum(recipe, num_batches):
    """Return how much of an average of weights a batch keeps.

    Example:

    >>> from resnet_keras.training.recipe import Recipe
    >>> momentum(Recipe(averaging=0.04), 1000)  # over 40 batches
    0.975
    """
    return 1 - 1 / max(1.0, recipe.averaging * num_batches)


def swap_averages(model):
    """Exchange the weights of a model with their averages, if its optimizer has any.

    Keras' `SwapEMAWeights` adds and subtracts, which rounds, and cannot begin with a
    model that holds the averages, as a resumed run does.

    Args:
        model: compiled with `optimizer_for`, and built.
    """
    if not model.optimizer.use_ema:
        return
    averages = model.optimizer._model_variables_moving_average
    for variable, average in zip(model.trainable_variables, averages, strict=True):
        value = keras.ops.convert_to_numpy(variable).copy()
        variable.assign(average)
        average.assign(value)
