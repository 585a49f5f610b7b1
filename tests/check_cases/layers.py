# ruff: noqa: E501 (learners' lines are as long as they are)
"""Blocks whose convolutions or batch normalizations are wrong."""

from tests.check_cases.mutant import mutant

LAYERS = [
    # 1. training not passed
    mutant(
        "training-forgotten-second",
        "training-not-passed",
        "i",
        "2021",
        ("(X, training = training) # second", "(X)"),
    ),
    mutant(
        "training-forgotten-shortcut",
        "training-not-passed",
        "c",
        "2021",
        ("(X_shortcut, training=training) # shortcut", "(X_shortcut)"),
    ),
    # 11. "same" and "valid" mixed up
    mutant(
        "middle-valid", "padding", "i", "2017", ("padding = 'same'", "padding='valid'")
    ),
    mutant(
        "middle-valid-default",
        "padding",
        "c",
        "2021",
        ("strides = (1, 1), padding='same',", "strides = (1, 1),"),
    ),
    mutant(
        "all-valid",
        "padding",
        "i",
        "helpers",
        ('border="same"', 'border="valid"'),
    ),
    # 12. the stride in the wrong convolution
    mutant(
        "stride-in-middle",
        "stride-place",
        "c",
        "helpers",
        ("strides = [s, 1, 1]", "strides = [1, s, 1]"),
    ),
    mutant(
        "stride-in-third",
        "stride-place",
        "c",
        "2017",
        ("Conv2D(F1, (1, 1), strides = (s,s)", "Conv2D(F1, (1, 1), strides = (1,1)"),
        ("Conv2D(F3, (1, 1), strides = (1,1)", "Conv2D(F3, (1, 1), strides = (s,s)"),
    ),
    # 13. the stride missing on the shortcut
    mutant(
        "shortcut-stride-gone",
        "stride-shortcut-missing",
        "c",
        "helpers",
        ("filters[2], 1, initializer, s)", "filters[2], 1, initializer)"),
    ),
    mutant(
        "shortcut-stride-one",
        "stride-shortcut-missing",
        "c",
        "2017",
        (
            "strides = (s,s), name = conv_name_base + '1'",
            "strides = (1,1), name = conv_name_base + '1'",
        ),
    ),
    # 14. normalization over the wrong axis
    mutant(
        "axis-one",
        "bn-axis",
        "i",
        "2021",
        (
            "BatchNormalization(axis = 3)(X, training = training) # third",
            "BatchNormalization(axis = 1)(X, training = training)",
        ),
    ),
    mutant(
        "axis-two-all",
        "bn-axis",
        "i",
        "helpers",
        ("BatchNormalization()", "BatchNormalization(axis=2)"),
    ),
    # 15. normalization missing
    mutant(
        "no-bn-2b",
        "bn-missing",
        "i",
        "2017",
        ("    X = BatchNormalization(axis = 3, name = bn_name_base + '2b')(X)\n", ""),
    ),
    mutant(
        "no-bn-third",
        "bn-missing",
        "c",
        "2021",
        ("    X = BatchNormalization(axis = 3)(X, training=training) # third\n", ""),
    ),
    # 16. normalization missing on the shortcut
    mutant(
        "no-bn-shortcut",
        "shortcut-bn-missing",
        "c",
        "2017",
        (
            "    X_shortcut = BatchNormalization(axis = 3, name = bn_name_base + '1')"
            "(X_shortcut)\n",
            "",
        ),
    ),
    mutant(
        "no-bn-shortcut-helpers",
        "shortcut-bn-missing",
        "c",
        "helpers",
        (
            "conv_norm(saved, filters[2], 1, initializer, s)",
            "layers.Conv2D(filters[2], 1, s, kernel_initializer=initializer(seed=0))(saved)",
        ),
    ),
    # 17. a ReLU on the shortcut
    mutant(
        "relu-on-shortcut",
        "shortcut-relu",
        "c",
        "2021",
        (
            "    ### END CODE HERE\n",
            "    X_shortcut = Activation('relu')(X_shortcut)\n",
        ),
    ),
    mutant(
        "relu-on-identity",
        "shortcut-relu",
        "i",
        "helpers",
        ("total = X + saved", "total = X + layers.ReLU()(saved)"),
    ),
    # 18. filters in the wrong order
    mutant(
        "f1-f3-exchanged",
        "filters-order",
        "c",
        "2017",
        ("F1, F2, F3 = filters", "F3, F2, F1 = filters"),
    ),
    mutant(
        "f2-twice",
        "filters-order",
        "i",
        "2021",
        ("Conv2D(filters = F3", "Conv2D(filters = F2"),
    ),
    mutant(
        "f1-twice",
        "filters-order",
        "i",
        "2017",
        ("Conv2D(filters = F2", "Conv2D(filters = F1"),
    ),
    mutant(
        "filters-reversed",
        "filters-order",
        "i",
        "helpers",
        ("zip(filters, sizes)", "zip(filters[::-1], sizes)"),
    ),
    # 19. the kernel of the middle convolution
    mutant(
        "middle-one-by-one",
        "kernel-size",
        "i",
        "2017",
        ("kernel_size = (f, f)", "kernel_size = (1, 1)"),
    ),
    mutant(
        "middle-three",
        "kernel-size",
        "c",
        "helpers",
        ("sizes = [1, f, 1]", "sizes = [1, 3, 1]"),
    ),
    # 20. names twice
    mutant(
        "2b-twice",
        "name-twice",
        "i",
        "2017",
        ("conv_name_base + '2c'", "conv_name_base + '2b'"),
    ),
    mutant(
        "bn-2a-twice",
        "name-twice",
        "c",
        "2017",
        ("bn_name_base + '2c'", "bn_name_base + '2a'"),
    ),
    # 21. the seed missing
    mutant(
        "seedless",
        "seed-missing",
        "c",
        "2017",
        (
            "conv_name_base + '2b', kernel_initializer = glorot_uniform(seed=0))",
            "conv_name_base + '2b', kernel_initializer = glorot_uniform())",
        ),
    ),
    mutant(
        "no-initializer",
        "seed-missing",
        "i",
        "2021",
        (
            "padding = 'same', kernel_initializer = initializer(seed=0))",
            "padding = 'same')",
        ),
    ),
]
