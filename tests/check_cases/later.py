# ruff: noqa: E501 (learners' lines are as long as they are)
"""Blocks with mistakes that might pass as right, written after the code."""

from tests.check_cases.mutant import mutant

LATER = [
    # Written afterwards, to look for mistakes that would pass as right.
    mutant(
        "pre-activation",
        "pre-activation",
        "i",
        "helpers",
        (
            "    x = layers.Conv2D(width, size, stride, border, kernel_initializer=initializer(seed=0))(x)\n"
            "    return layers.BatchNormalization()(x)",
            "    x = layers.ReLU()(layers.BatchNormalization()(x))\n"
            "    return layers.Conv2D(width, size, stride, border, kernel_initializer=initializer(seed=0))(x)",
        ),
        ("        if index < 2:\n            X = layers.ReLU()(X)\n", ""),
        ("    return layers.ReLU()(total)", "    return total"),
    ),
    mutant(
        "gradient-stopped",
        "gradient-stopped",
        "i",
        "helpers",
        ("total = X + saved", "total = X + ops.stop_gradient(saved)"),
    ),
    mutant(
        "leaky",
        "activation",
        "i",
        "helpers",
        (
            "            X = layers.ReLU()(X)",
            "            X = layers.LeakyReLU(0.01)(X)",
        ),
    ),
    mutant(
        "scale-from-zero",
        "start",
        "c",
        "helpers",
        ("BatchNormalization()", "BatchNormalization(gamma_initializer='zeros')"),
    ),
    mutant(
        "initializer-ignored",
        "seed-missing",
        "i",
        "2021",
        (
            "padding = 'same', kernel_initializer = initializer(seed=0)",
            "padding = 'same', kernel_initializer = glorot_uniform(seed=0)",
        ),
    ),
    mutant(
        "average",
        "not-an-addition",
        "i",
        "2021",
        ("Add()([X_shortcut, X])", "layers.Average()([X_shortcut, X])"),
    ),
    mutant(
        "scaled",
        "extra-step",
        "i",
        "helpers",
        ("total = X + saved", "total = 0.1 * X + saved"),
    ),
    mutant(
        "no-stride",
        "stride-missing",
        "c",
        "helpers",
        ("strides = [s, 1, 1]", "strides = [1, 1, 1]"),
    ),
    mutant("default-stride", "stride-default", "c", "helpers", ("s=2,", "s=1,")),
    mutant(
        "projection-of-main-path",
        "shortcut-late",
        "c",
        "helpers",
        ("conv_norm(saved,", "conv_norm(X,"),
    ),
    mutant(
        "pooled-shortcut",
        "projection-missing extra-step",
        "c",
        "helpers",
        (
            "conv_norm(saved, filters[2], 1, initializer, s)",
            "layers.AveragePooling2D(s)(saved)",
        ),
    ),
    mutant(
        "separable",
        "conv-kind",
        "i",
        "2021",
        (
            "Conv2D(filters = F2, kernel_size = f, strides = (1,1), padding = 'same', kernel_initializer = initializer(seed=0))",
            "layers.SeparableConv2D(F2, f, padding='same')",
        ),
    ),
    mutant(
        "odd-windows-only",
        "even-window",
        "i",
        "helpers",
        (
            "        X = conv_norm(X, width, size, initializer)\n",
            "        X = layers.ZeroPadding2D(size // 2)(X)\n"
            "        X = conv_norm(X, width, size, initializer, border='valid')\n",
        ),
    ),
    mutant(
        "inverted",
        "training-fixed",
        "i",
        "2021",
        ("(X, training = training) # second", "(X, training=not training)"),
    ),
    mutant(
        "name-forgotten",
        "name-wrong",
        "i",
        "2017",
        ("name = conv_name_base + '2b', ", ""),
    ),
    mutant(
        "shared-normalization",
        "layer-shared",
        "c",
        "2021",
        (
            "    X = BatchNormalization(axis = 3)(X, training=training) # third\n",
            "    last = BatchNormalization(axis = 3)\n    X = last(X, training=training)\n",
        ),
        (
            "BatchNormalization(axis = 3)(X_shortcut, training=training) # shortcut",
            "last(X_shortcut, training=training)",
        ),
    ),
    mutant(
        "regularized",
        "conv-setting",
        "i",
        "2017",
        ("kernel_size = (f, f)", "kernel_regularizer = 'l2', kernel_size = (f, f)"),
    ),
    mutant(
        "fused-relu",
        "order",
        "i",
        "2021",
        ("padding = 'same', kernel", "padding = 'same', activation = 'relu', kernel"),
        ("    X = Activation('relu')(X) # i2\n", ""),
    ),
]
