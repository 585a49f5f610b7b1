"""The weights of a learner's layers as they are before training."""

import keras
import numpy as np
from keras import ops

from resnet_keras.check import reference
from resnet_keras.check.result import found

_BatchNorm = keras.layers.BatchNormalization


def compare_starts(diagnosis, has_initializer):
    """Compare the weights, as they are before training, with the documented."""
    kind = "initializer" if has_initializer else "GlorotUniform"
    words = f"{kind}(seed=0) for each kernel, Keras's defaults for the rest"
    part, findings = "Initial values", []
    initializer = keras.initializers.GlorotUniform(seed=0)
    if has_initializer:
        initializer = reference.Given(seed=0)
    owners = {}
    for step, layer in diagnosis.layers.items():
        if not isinstance(layer, (keras.layers.Conv2D, _BatchNorm)):
            continue
        where, line = reference.COMPONENTS[step.part], diagnosis.line_of(step)
        if id(layer) in owners:
            other = owners[id(layer)]
            finding = found("layer-shared", part, line, where=where, wanted=other)
            findings.append(finding)
        owners[id(layer)] = where
        for weight, name, start in _starts(layer):
            if not _same(weight, start):
                values = {"where": where, "found": name, "wanted": start}
                findings.append(found("start", part, line, **values))
        if step.kind == "conv" and not starts_from(layer, initializer):
            given, right = initializer_words(layer), f"{kind}(seed=0)"
            values = {"where": where, "found": given, "wanted": right}
            findings.append(found("seed-missing", part, line, words, **values))
    return part, words, findings


def starts_from(layer, initializer):
    """Return whether a layer's kernel is what an initializer gives."""
    return _same(layer.kernel, initializer(layer.kernel.shape))


def _same(weight, values):
    weight, values = ops.convert_to_numpy(weight), ops.convert_to_numpy(values)
    return np.allclose(weight, values)


def _starts(layer):
    """Return weights besides kernels, with their names and documented first values."""
    if isinstance(layer, _BatchNorm):
        weights = [(layer.gamma, "gamma", 1), (layer.beta, "beta", 0)]
        weights.append((layer.moving_mean, "moving mean", 0))
        weights.append((layer.moving_variance, "moving variance", 1))
    else:
        weights = [(layer.bias, "bias", 0)]
    return [each for each in weights if each[0] is not None]


def initializer_words(layer):
    """Return how a layer's kernel is initialized, such as "GlorotUniform, no seed"."""
    name = type(layer.kernel_initializer).__name__.replace("Given", "initializer")
    config = getattr(layer.kernel_initializer, "get_config", dict)()
    seed = config.get("seed")
    return f"{name}, " + ("no seed" if seed is None else f"seed {seed}")
