"""Initial weights with which short training goes further."""

import keras
import numpy as np


def varied_initializer(seed, kind=keras.initializers.GlorotUniform):
    """Return an initialization, a class of Keras', that differs from layer to layer.

    The blocks ask for seed 0 throughout, as the course has it; then kernels of one
    shape are identical, and every run starts from the same point.
    """
    rng = np.random.default_rng(seed)

    def initializer(seed):
        return kind(seed=int(rng.integers(2**31)))

    return initializer


def scale_branches(model, scale):
    """Start each block as Y = scale · F(X) + X, by its last normalization's gamma.

    Then what 16 blocks add up to stays near X at first, and gradients of like inputs
    stay alike. At 0 each block starts as the identity, and its inner layers learn only
    once gamma has grown.

    Sources: Goyal et al. (2017), arXiv 1706.02677, section 5.1, for 0; Balduzzi et al.
    (2017), arXiv 1702.08591, for 0.1 to 0.3.
    """
    producers = {id(layer.output): layer for layer in model.layers}
    for layer in model.layers:
        if isinstance(layer, keras.layers.Add):
            for tensor in layer.input:
                producer = producers[id(tensor)]
                is_shortcut = producer.name.endswith("_branch1")
                is_last = isinstance(producer, keras.layers.BatchNormalization)
                if is_last and not is_shortcut:
                    producer.gamma.assign(producer.gamma * scale)
