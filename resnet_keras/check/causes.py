"""The known mistakes: for each, a sentence that says what is wrong and why it matters.

Sources: questions in public threads on the course's assignment. The words in braces are
filled in by `resnet_keras.check.diagnosis`.
"""

CAUSES = {
    # the joining of the two paths
    "no-addition": (
        "X_shortcut is never added. Without the addition this is a plain stack of "
        "layers: the block must compute relu(F(X) + shortcut)."
    ),
    "added-to-itself": (
        "The addition adds a tensor to itself, which only doubles it. The two inputs "
        "must be the main path's result and X_shortcut, saved before X was overwritten."
    ),
    "added-twice": (
        "The shortcut is added more than once. One addition joins the two paths, just "
        "before the last ReLU."
    ),
    "concatenated": (
        "The paths are concatenated, which stacks their channels. A residual block "
        "adds them, number by number: Add()([X, X_shortcut])."
    ),
    "not-an-addition": (
        "The paths are joined by {found}. A residual block adds them, so that the "
        "main path only has to learn what to change: Add()([X, X_shortcut])."
    ),
    "extra-term": (
        "{found} tensors are joined. A residual block adds two: the main path's result "
        "and the shortcut."
    ),
    "shortcut-late": (
        "X_shortcut is not the block's input: it was saved after X had been "
        "overwritten. Save it first, X_shortcut = X, so that the input itself reaches "
        "the addition."
    ),
    # activations
    "last-relu-missing": (
        "The last ReLU is missing. After the addition the block ends in a ReLU."
    ),
    "last-relu-before-addition": (
        "The last ReLU stands before the addition. It must come after: a ReLU at the "
        "end of the main path would let F(X) only add, never subtract."
    ),
    "inner-relu-missing": (
        "The {where} has no ReLU after its normalization. Two convolutions without "
        "one between them are, together, only one linear map."
    ),
    "inner-relu-extra": (
        "There is a ReLU too many in the {where}. The first two components end in one "
        "ReLU each; the third has none, for F(X) may be negative."
    ),
    "shortcut-relu": (
        "There is a ReLU on the shortcut. The shortcut carries X, or its projection, "
        "unchanged; the only ReLU it meets is the last."
    ),
    "activation": ("The {where} uses {found} where the documented activation is ReLU."),
    # normalization
    "bn-missing": (
        "The {where} has no batch normalization. Each convolution is followed by one."
    ),
    "shortcut-bn-missing": (
        "The shortcut's convolution has no batch normalization. Both paths are "
        "normalized, so that neither drowns the other in the addition."
    ),
    "bn-extra": "There is a batch normalization too many in the {where}.",
    "bn-axis": (
        "Batch normalization works over axis {found}. Images are (batch, height, "
        "width, channels), and each channel is normalized: axis=3."
    ),
    "bn-setting": (
        "Batch normalization in the {where} has {setting}={found}; documented is "
        "{wanted}, Keras's default."
    ),
    "training-not-passed": (
        "Batch normalization is called without training=training, so the block's "
        "argument does not reach it: BatchNormalization(axis=3)(X, training=training)."
    ),
    "training-fixed": (
        "Batch normalization is called with a fixed training={found}. Then prediction "
        "and training cannot differ as they must: an image's prediction would depend "
        "on its batch, or the statistics would never be learned."
    ),
    # convolutions
    "padding": (
        'The {where}\'s convolution has padding="{found}". Documented is "{wanted}": '
        'a kernel larger than 1x1 needs "same", or the image shrinks and the two '
        "paths no longer have one shape."
    ),
    "kernel-size": (
        "The {where}'s convolution has kernel size {found}; documented is {wanted}."
    ),
    "even-window": (
        "With an even kernel size, f=2, the block is not what is documented. The "
        'middle convolution takes any f with padding="same".'
    ),
    "filters-order": (
        "The {where}'s convolution has {found} filters; documented is {wanted}. "
        "filters holds F1, F2, F3 in this order, one for each convolution; a "
        "projection has F3."
    ),
    "stride-place": (
        "The stride is in the wrong convolution. It belongs to the first 1x1 "
        "convolution of the main path: the {where} has stride {found}, documented is "
        "{wanted}."
    ),
    "stride-missing": (
        "The main path's first convolution has no stride s, so the block does not "
        "reduce the image."
    ),
    "stride-shortcut-missing": (
        "The shortcut's convolution has stride {found}, not s. Both paths must shrink "
        "the image alike, or they cannot be added."
    ),
    "stride": ("The {where}'s convolution has stride {found}; documented is {wanted}."),
    "stride-default": "s is {found} by default; documented is s=2.",
    "bias": (
        "The {where}'s convolution has no bias (use_bias=False). The course's has one, "
        "so the count of parameters and saved weights would not fit."
    ),
    "conv-setting": (
        "The {where}'s convolution has {setting}={found}; documented is {wanted}."
    ),
    "conv-kind": ("The {where} uses {found}; documented is an ordinary Conv2D."),
    "seed-missing": (
        "The {where}'s convolution is not initialized as documented: {found}. With "
        "{wanted} the same code gives the same numbers everywhere."
    ),
    "start": (
        "The {where}'s {found} does not begin at {wanted}, Keras's default, which the "
        "course keeps."
    ),
    "layer-shared": (
        "One layer serves the {where} and the {wanted}, so that they share weights. "
        "Make a new layer for each step."
    ),
    # whole parts
    "projection-missing": (
        "The shortcut is not projected. Where size or number of channels change, X "
        "needs a 1x1 convolution of F3 filters with stride s, and normalization."
    ),
    "projection-extra": (
        "The shortcut has a convolution. In an identity block X itself is added; only "
        "a convolutional block projects it."
    ),
    "component-missing": "The {where} of the main path is missing.",
    "conv-missing": "The {where} has no convolution.",
    "conv-extra": "There is a convolution too many in the {where}.",
    "extra-step": "There is a step that is not documented in the {where}: {found}.",
    "order": (
        "In the {where}, {found} stands in the wrong position. The order is "
        "convolution, batch normalization, ReLU."
    ),
    "pre-activation": (
        "Normalization and ReLU stand before each convolution, as in the later network "
        "of He et al. 2016. The course's block is the first: convolution, batch "
        "normalization, ReLU, and the last ReLU after the addition."
    ),
    "gradient-stopped": (
        "{found} in the {where} stops the gradient. Residual networks rely on the "
        "gradient that flows back through the shortcut."
    ),
    "result-unused": (
        "The {where}'s {found} is computed, but its result is thrown away. A layer "
        "does not change X; assign what it returns: X = ..."
    ),
    "wrong-input": (
        "The {where} is computed, but nothing uses its result: the layer after it is "
        "given another tensor. Each layer of the main path takes the X before it."
    ),
    # what keeps a block from being built
    "not-written": "This step is not written yet: None still stands in its place.",
    "nothing-returned": (
        "The function returns {found}. End it with return X, the tensor after the last "
        "ReLU."
    ),
    "raises": "Python stops here: {found}",
    "outputs": (
        "The steps look as documented, but with the same weights the numbers differ "
        "by up to {found}."
    ),
    # names
    "name-twice": (
        "The name {found} is given to two layers. Keras refuses to build a model from "
        "them: each part needs a name of its own, {wanted}."
    ),
    "name-wrong": (
        "A layer is called {found}; documented is {wanted}. Files trained elsewhere "
        "are loaded by these names."
    ),
    # the network
    "layer-count": (
        "Stage {stage} has {found} blocks; documented are {wanted}: a convolutional "
        "block, then identity blocks."
    ),
    "network-stages": (
        "There are {found} stages of blocks; documented are 4, and each begins with a "
        "convolutional block."
    ),
    "network-kind": (
        "Block {where} is {found}; documented is {wanted}. A stage begins with a "
        "convolutional block, and only there."
    ),
    "network-stride": (
        "Block {where} has stride {found}; documented is {wanted}. Stages 3, 4 and 5 "
        "begin by halving the image, stage 2 does not: the pooling before it has."
    ),
    "network-filters": "Block {where} has filters {found}; documented are {wanted}.",
    "network-window": "Block {where} has f={found}; documented is f={wanted}.",
    "network-block": "In {where}: {found}",
    "network-step": "The {where} has {found}; documented is {wanted}.",
    "network-step-missing": "The {where} lacks {wanted}.",
    "network-step-extra": "The {where} has {found}, which is not documented.",
    "network-classes": (
        "The last layer has {found} outputs though classes={wanted}. Use the argument: "
        'Dense(classes, activation="softmax").'
    ),
    "network-size": (
        "The sizes of the feature maps are {found}; documented are {wanted}."
    ),
    "network-addition": (
        "This block cannot add its two paths. Where size or number of channels change, "
        "a convolutional block is needed, as at the start of each stage; an identity "
        "block's last filters must be the channels of its input."
    ),
    "network-no-model": (
        "The function returns {found}; expected a model. End it with return "
        "Model(inputs=X_input, outputs=X)."
    ),
}


def sentence(code, **words):
    """Return the sentence for a cause, filled in."""
    return CAUSES[code].format(**words)
