# ruff: noqa: E501 (learners' lines are as long as they are)
"""Blocks with mistakes outside the list of the common ones, or with several."""

from tests.check_cases.mutant import FIRST_2021, LAST, mutant

UNLISTED = [
    # Not in the list.
    mutant(
        "not-assigned",
        "result-unused",
        "i",
        "2021",
        ("    X = Activation('relu')(X) # i2\n", "    Activation('relu')(X)\n"),
    ),
    mutant(
        "applied-to-shortcut",
        "wrong-input",
        "i",
        "2021",
        (
            "padding = 'same', kernel_initializer = initializer(seed=0))(X)",
            "padding = 'same', kernel_initializer = initializer(seed=0))(X_shortcut)",
        ),
    ),
    mutant(
        "projection-forgotten",
        "projection-missing",
        "c",
        "helpers",
        ("    projected = conv_norm(saved, filters[2], 1, initializer, s)\n", ""),
        ("ops.add(X, projected)", "ops.add(X, saved)"),
    ),
    mutant(
        "projection-too-much",
        "projection-extra",
        "i",
        "2021",
        (
            "    ## Final step\n",
            "    X_shortcut = Conv2D(F3, 1, kernel_initializer=initializer(seed=0))(X_shortcut)\n"
            "    X_shortcut = BatchNormalization()(X_shortcut, training=training)\n",
        ),
    ),
    mutant(
        "no-bias",
        "bias",
        "i",
        "helpers",
        ("kernel_initializer", "use_bias=False, kernel_initializer"),
    ),
    mutant(
        "dropout",
        "extra-step",
        "i",
        "2021",
        (FIRST_2021, FIRST_2021 + "    X = Dropout(0.3)(X)\n"),
    ),
    mutant(
        "relu-before-bn",
        "order",
        "c",
        "2017",
        (
            "    X = BatchNormalization(axis = 3, name = bn_name_base + '2b')(X)\n"
            "    X = Activation('relu')(X)  # conv second\n",
            "    X = Activation('relu')(X)\n"
            "    X = BatchNormalization(axis = 3, name = bn_name_base + '2b')(X)\n",
        ),
    ),
    mutant(
        "sigmoid",
        "activation",
        "i",
        "2017",
        ("X = Activation('relu')(X)  # second", "X = Activation('sigmoid')(X)"),
    ),
    mutant(
        "returns-nothing",
        "nothing-returned",
        "i",
        "2017",
        ("    ### END CODE HERE ###\n    return X", "    ### END CODE HERE ###"),
    ),
    mutant(
        "unfinished",
        "not-written",
        "i",
        "2021",
        ("X = Add()([X_shortcut, X])", "X = None"),
    ),
    mutant(
        "stride-fixed",
        "stride",
        "c",
        "2021",
        (
            "kernel_size = 1, strides = (s, s), padding='valid', kernel_initializer = initializer(seed=0))(X)\n",
            "kernel_size = 1, strides = (2, 2), padding='valid', kernel_initializer = initializer(seed=0))(X)\n",
        ),
    ),
    mutant(
        "second-component-gone",
        "component-missing",
        "i",
        "2021",
        (
            "    X = Conv2D(filters = F2, kernel_size = f, strides = (1,1), padding = 'same', kernel_initializer = initializer(seed=0))(X)\n"
            "    X = BatchNormalization(axis = 3)(X, training = training) # second\n"
            "    X = Activation('relu')(X) # i2\n",
            "",
        ),
    ),
    mutant(
        "training-fixed",
        "training-fixed",
        "i",
        "helpers",
        (
            "layers.BatchNormalization()(x)",
            "layers.BatchNormalization()(x, training=True)",
        ),
    ),
    mutant(
        "multiplied",
        "not-an-addition",
        "i",
        "helpers",
        ("total = X + saved", "total = X * saved"),
    ),
    mutant(
        "momentum",
        "bn-setting",
        "i",
        "2017",
        (
            "BatchNormalization(axis = 3, name = bn_name_base + '2c')",
            "BatchNormalization(axis = 3, momentum=0.1, name = bn_name_base + '2c')",
        ),
    ),
    mutant(
        "wrong-name",
        "name-wrong",
        "c",
        "2017",
        ("conv_name_base + '1'", "conv_name_base + '3'"),
    ),
    # Several at once.
    mutant(
        "three-mistakes",
        "inner-relu-missing padding last-relu-missing",
        "i",
        "2017",
        ("    X = Activation('relu')(X)  # second\n", ""),
        ("padding = 'same'", "padding='valid'"),
        (LAST, ""),
    ),
    mutant(
        "two-mistakes",
        "shortcut-bn-missing stride-place",
        "c",
        "helpers",
        ("strides = [s, 1, 1]", "strides = [1, 1, s]"),
        (
            "conv_norm(saved, filters[2], 1, initializer, s)",
            "layers.Conv2D(filters[2], 1, s, kernel_initializer=initializer(seed=0))(saved)",
        ),
    ),
    mutant(
        "two-more",
        "added-to-itself training-not-passed",
        "i",
        "2021",
        ("(X, training = training) # third", "(X)"),
        ("Add()([X_shortcut, X])", "Add()([X, X])"),
    ),
]
