# ruff: noqa: E501 (learners' lines are as long as they are)
"""Networks whose blocks are right and whose stages are not."""

from tests.check_cases.mutant import mutant

# 22. the network: the count of layers, and what else goes wrong there.
NETWORK_MUTANTS = [
    mutant(
        "block-missing",
        "layer-count",
        "n",
        "2017",
        ("    X = identity_block(X, 3, [256, 256, 1024], stage=4, block='f')\n", ""),
    ),
    mutant(
        "stage-two-strided",
        "network-stride",
        "n",
        "2017",
        ("stage = 2, block='a', s = 1)", "stage = 2, block='a', s = 2)"),
    ),
    mutant(
        "stage-five-narrow",
        "network-filters",
        "n",
        "2017",
        (
            "[512, 512, 2048], stage=5, block='c'",
            "[256, 256, 2048], stage=5, block='c'",
        ),
    ),
    mutant(
        "block-too-many",
        "layer-count",
        "n",
        "2017",
        (
            "    # Stage 4\n",
            "    X = identity_block(X, 3, [128, 128, 512], stage=3, block='e')\n",
        ),
    ),
    mutant(
        "pool-max",
        "network-step",
        "n",
        "2017",
        ("AveragePooling2D((2, 2), name='avg_pool')", "MaxPooling2D((2, 2))"),
    ),
    mutant(
        "stage-start-missing",
        "network-addition",
        "n",
        "2017",
        (
            "    X = convolutional_block(X, f = 3, filters = [128, 128, 512], stage = 3, block='a', s = 2)\n",
            "",
        ),
    ),
    mutant(
        "no-softmax",
        "network-step-missing",
        "n",
        "2017",
        ("activation='softmax', ", ""),
    ),
    mutant(
        "classes-fixed",
        "network-classes",
        "n",
        "2017",
        ("X = Dense(classes, activation", "X = Dense(6, activation"),
    ),
]
