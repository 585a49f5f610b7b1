# ruff: noqa: E501 (learners' lines are as long as they are)
"""Blocks as learners write them: right ones in many styles, and broken ones.

Each `Mutant` is a source with some passages replaced, as the mistakes appear in public
threads. All up to the line that says so were written before the code that recognizes
them, so that nothing there follows from how it recognizes them.
"""

from dataclasses import dataclass

# The course of 2017: names from stage and block, one statement a layer.
COURSE_2017 = """\
import numpy as np
from keras import layers
from keras.layers import Input, Add, Dense, Activation, ZeroPadding2D
from keras.layers import BatchNormalization, Flatten, Conv2D, AveragePooling2D
from keras.layers import MaxPooling2D, GlobalMaxPooling2D, concatenate
from keras.models import Model, load_model
from keras.utils import layer_utils
from keras.utils.data_utils import get_file
from keras.utils.vis_utils import model_to_dot
from resnets_utils import *
from keras.initializers import glorot_uniform
import scipy.misc
from matplotlib.pyplot import imshow

import keras.backend as K
K.set_image_data_format('channels_last')
K.set_learning_phase(1)


def identity_block(X, f, filters, stage, block):
    # defining name basis
    conv_name_base = 'res' + str(stage) + block + '_branch'
    bn_name_base = 'bn' + str(stage) + block + '_branch'

    # Retrieve Filters
    F1, F2, F3 = filters

    # Save the input value.
    X_shortcut = X

    # First component of main path
    X = Conv2D(filters = F1, kernel_size = (1, 1), strides = (1,1), padding = 'valid', name = conv_name_base + '2a', kernel_initializer = glorot_uniform(seed=0))(X)
    X = BatchNormalization(axis = 3, name = bn_name_base + '2a')(X)
    X = Activation('relu')(X)

    ### START CODE HERE ###

    # Second component of main path
    X = Conv2D(filters = F2, kernel_size = (f, f), strides = (1,1), padding = 'same', name = conv_name_base + '2b', kernel_initializer = glorot_uniform(seed=0))(X)
    X = BatchNormalization(axis = 3, name = bn_name_base + '2b')(X)
    X = Activation('relu')(X)  # second

    # Third component of main path
    X = Conv2D(filters = F3, kernel_size = (1, 1), strides = (1,1), padding = 'valid', name = conv_name_base + '2c', kernel_initializer = glorot_uniform(seed=0))(X)
    X = BatchNormalization(axis = 3, name = bn_name_base + '2c')(X)

    # Final step
    X = layers.add([X, X_shortcut])
    X = Activation('relu')(X)  # last

    ### END CODE HERE ###
    return X


def convolutional_block(X, f, filters, stage, block, s = 2):
    conv_name_base = 'res' + str(stage) + block + '_branch'
    bn_name_base = 'bn' + str(stage) + block + '_branch'
    F1, F2, F3 = filters
    X_shortcut = X  # saved

    ##### MAIN PATH #####
    X = Conv2D(F1, (1, 1), strides = (s,s), name = conv_name_base + '2a', kernel_initializer = glorot_uniform(seed=0))(X)
    X = BatchNormalization(axis = 3, name = bn_name_base + '2a')(X)
    X = Activation('relu')(X)  # conv first

    ### START CODE HERE ###
    X = Conv2D(F2, (f, f), strides = (1,1), padding = 'same', name = conv_name_base + '2b', kernel_initializer = glorot_uniform(seed=0))(X)
    X = BatchNormalization(axis = 3, name = bn_name_base + '2b')(X)
    X = Activation('relu')(X)  # conv second

    X = Conv2D(F3, (1, 1), strides = (1,1), name = conv_name_base + '2c', kernel_initializer = glorot_uniform(seed=0))(X)
    X = BatchNormalization(axis = 3, name = bn_name_base + '2c')(X)

    ##### SHORTCUT PATH ####
    X_shortcut = Conv2D(F3, (1, 1), strides = (s,s), name = conv_name_base + '1', kernel_initializer = glorot_uniform(seed=0))(X_shortcut)
    X_shortcut = BatchNormalization(axis = 3, name = bn_name_base + '1')(X_shortcut)

    X = layers.add([X, X_shortcut])
    X = Activation('relu')(X)  # conv last
    ### END CODE HERE ###
    return X


def ResNet50(input_shape = (64, 64, 3), classes = 6):
    X_input = Input(input_shape)
    X = ZeroPadding2D((3, 3))(X_input)

    # Stage 1
    X = Conv2D(64, (7, 7), strides = (2, 2), name = 'conv1', kernel_initializer = glorot_uniform(seed=0))(X)
    X = BatchNormalization(axis = 3, name = 'bn_conv1')(X)
    X = Activation('relu')(X)
    X = MaxPooling2D((3, 3), strides=(2, 2))(X)

    # Stage 2
    X = convolutional_block(X, f = 3, filters = [64, 64, 256], stage = 2, block='a', s = 1)
    X = identity_block(X, 3, [64, 64, 256], stage=2, block='b')
    X = identity_block(X, 3, [64, 64, 256], stage=2, block='c')

    ### START CODE HERE ###
    # Stage 3
    X = convolutional_block(X, f = 3, filters = [128, 128, 512], stage = 3, block='a', s = 2)
    X = identity_block(X, 3, [128, 128, 512], stage=3, block='b')
    X = identity_block(X, 3, [128, 128, 512], stage=3, block='c')
    X = identity_block(X, 3, [128, 128, 512], stage=3, block='d')

    # Stage 4
    X = convolutional_block(X, f = 3, filters = [256, 256, 1024], stage = 4, block='a', s = 2)
    X = identity_block(X, 3, [256, 256, 1024], stage=4, block='b')
    X = identity_block(X, 3, [256, 256, 1024], stage=4, block='c')
    X = identity_block(X, 3, [256, 256, 1024], stage=4, block='d')
    X = identity_block(X, 3, [256, 256, 1024], stage=4, block='e')
    X = identity_block(X, 3, [256, 256, 1024], stage=4, block='f')

    # Stage 5
    X = convolutional_block(X, f = 3, filters = [512, 512, 2048], stage = 5, block='a', s = 2)
    X = identity_block(X, 3, [512, 512, 2048], stage=5, block='b')
    X = identity_block(X, 3, [512, 512, 2048], stage=5, block='c')

    # AVGPOOL
    X = AveragePooling2D((2, 2), name='avg_pool')(X)
    ### END CODE HERE ###

    # output layer
    X = Flatten()(X)
    X = Dense(classes, activation='softmax', name='fc' + str(classes), kernel_initializer = glorot_uniform(seed=0))(X)
    return Model(inputs = X_input, outputs = X, name='ResNet50')


model = ResNet50(input_shape = (64, 64, 3), classes = 6)
model.compile(optimizer='adam', loss='categorical_crossentropy', metrics=['accuracy'])
X_train_orig, Y_train_orig, X_test_orig, Y_test_orig, classes = load_dataset()
"""

# The course of 2021: `training` and `initializer`.
COURSE_2021 = """\
import tensorflow as tf
import numpy as np
import scipy.misc
from tensorflow.keras.applications.resnet_v2 import ResNet50V2
from tensorflow.keras.preprocessing import image
from tensorflow.keras import layers
from tensorflow.keras.layers import Input, Add, Dense, Activation, ZeroPadding2D, Flatten, Conv2D, AveragePooling2D, MaxPooling2D, GlobalMaxPooling2D, BatchNormalization, Concatenate, Dropout
from tensorflow.keras.models import Model, load_model
from resnets_utils import *
from tensorflow.keras.initializers import random_uniform, glorot_uniform, constant, identity
from tensorflow.python.framework.ops import EagerTensor
from matplotlib.pyplot import imshow
from test_utils import summary, comparator
import public_tests


# UNQ_C1
# GRADED FUNCTION: identity_block
def identity_block(X, f, filters, training=True, initializer=random_uniform):
    F1, F2, F3 = filters
    X_shortcut = X

    # First component
    X = Conv2D(filters = F1, kernel_size = 1, strides = (1,1), padding = 'valid', kernel_initializer = initializer(seed=0))(X)
    X = BatchNormalization(axis = 3)(X, training = training) # Default axis
    X = Activation('relu')(X) # i1

    ### START CODE HERE
    ## Second component of main path (≈3 lines)
    X = Conv2D(filters = F2, kernel_size = f, strides = (1,1), padding = 'same', kernel_initializer = initializer(seed=0))(X)
    X = BatchNormalization(axis = 3)(X, training = training) # second
    X = Activation('relu')(X) # i2

    ## Third component of main path (≈2 lines)
    X = Conv2D(filters = F3, kernel_size = 1, strides = (1,1), padding = 'valid', kernel_initializer = initializer(seed=0))(X)
    X = BatchNormalization(axis = 3)(X, training = training) # third

    ## Final step
    X = Add()([X_shortcut, X])
    X = Activation('relu')(X) # i3
    ### END CODE HERE
    return X


def convolutional_block(X, f, filters, s = 2, training=True, initializer=glorot_uniform):
    F1, F2, F3 = filters
    X_shortcut = X

    X = Conv2D(filters = F1, kernel_size = 1, strides = (s, s), padding='valid', kernel_initializer = initializer(seed=0))(X)
    X = BatchNormalization(axis = 3)(X, training=training)
    X = Activation('relu')(X) # c1

    ### START CODE HERE
    X = Conv2D(filters = F2, kernel_size = f, strides = (1, 1), padding='same', kernel_initializer = initializer(seed=0))(X)
    X = BatchNormalization(axis = 3)(X, training=training) # second
    X = Activation('relu')(X) # c2

    X = Conv2D(filters = F3, kernel_size = 1, strides = (1, 1), padding='valid', kernel_initializer = initializer(seed=0))(X)
    X = BatchNormalization(axis = 3)(X, training=training) # third

    X_shortcut = Conv2D(filters = F3, kernel_size = 1, strides = (s, s), padding='valid', kernel_initializer = initializer(seed=0))(X_shortcut)
    X_shortcut = BatchNormalization(axis = 3)(X_shortcut, training=training) # shortcut
    ### END CODE HERE

    X = Add()([X, X_shortcut])
    X = Activation('relu')(X) # c3
    return X
"""

# The later signature, written by someone who likes helpers and loops.
HELPERS = """\
import keras
from keras import layers, ops
from keras.initializers import GlorotUniform, RandomUniform


def conv_norm(x, width, size, initializer, stride=1, border="same"):
    x = layers.Conv2D(width, size, stride, border, kernel_initializer=initializer(seed=0))(x)
    return layers.BatchNormalization()(x)


def identity_block(X, f, filters, initializer=RandomUniform):
    saved = X
    sizes = [1, f, 1]
    for index, (width, size) in enumerate(zip(filters, sizes)):
        X = conv_norm(X, width, size, initializer)
        if index < 2:
            X = layers.ReLU()(X)
    total = X + saved
    return layers.ReLU()(total)


def convolutional_block(X, f, filters, s=2, initializer=GlorotUniform):
    saved = X
    strides = [s, 1, 1]
    sizes = [1, f, 1]
    for index in range(3):
        X = conv_norm(X, filters[index], sizes[index], initializer, strides[index])
        if index != 2:
            X = ops.relu(X)
    projected = conv_norm(saved, filters[2], 1, initializer, s)
    return ops.relu(ops.add(X, projected))
"""

BASES = {"2017": COURSE_2017, "2021": COURSE_2021, "helpers": HELPERS}


@dataclass(frozen=True)
class Mutant:
    """A source with mistakes, and the causes that `check` should name."""

    name: str
    causes: tuple
    function: str
    base: str
    changes: tuple  # of (old, new); each old occurs once in the function or a helper

    @property
    def source(self):
        text = BASES[self.base]
        for old, new in self.changes:
            start = text.index(f"def {self.function}(")
            end = text.find("\n\n\ndef ", start)
            end = len(text) if end < 0 else end
            if old not in text[start:end]:  # then it is in a helper
                start, end = 0, len(text)
            assert text[start:end].count(old) == 1, (self.name, old)
            text = text[:start] + text[start:end].replace(old, new) + text[end:]
        return text


def _mutant(name, causes, function, base, *changes):
    function = {"i": "identity_block", "c": "convolutional_block", "n": "ResNet50"}[
        function
    ]
    return Mutant(name, tuple(causes.split()), function, base, changes)


_LAST = "    X = Activation('relu')(X)  # last\n"
_SAVE = "    X_shortcut = X\n"
_SAVE_LONG = "    # Save the input value.\n    X_shortcut = X\n"
_FIRST_2021 = "    X = Activation('relu')(X) # i1\n"

MUTANTS = [
    # 1. training not passed
    _mutant(
        "training-forgotten-second",
        "training-not-passed",
        "i",
        "2021",
        ("(X, training = training) # second", "(X)"),
    ),
    _mutant(
        "training-forgotten-shortcut",
        "training-not-passed",
        "c",
        "2021",
        ("(X_shortcut, training=training) # shortcut", "(X_shortcut)"),
    ),
    # 2. the last ReLU missing
    _mutant("last-relu-gone", "last-relu-missing", "i", "2017", (_LAST, "")),
    _mutant(
        "last-relu-gone-helpers",
        "last-relu-missing",
        "i",
        "helpers",
        ("return layers.ReLU()(total)", "return total"),
    ),
    _mutant(
        "last-relu-gone-conv",
        "last-relu-missing",
        "c",
        "2021",
        ("    X = Activation('relu')(X) # c3\n", ""),
    ),
    # 3. the last ReLU before the addition
    _mutant(
        "relu-then-add",
        "last-relu-before-addition",
        "i",
        "2021",
        (
            "    X = Add()([X_shortcut, X])\n    X = Activation('relu')(X) # i3\n",
            "    X = Activation('relu')(X)\n    X = Add()([X_shortcut, X])\n",
        ),
    ),
    _mutant(
        "relu-then-add-conv",
        "last-relu-before-addition",
        "c",
        "helpers",
        ("ops.relu(ops.add(X, projected))", "ops.add(ops.relu(X), projected)"),
    ),
    # 4. an extra inner ReLU
    _mutant(
        "relu-after-third",
        "inner-relu-extra",
        "i",
        "2017",
        ("    # Final step\n", "    X = Activation('relu')(X)\n"),
    ),
    _mutant(
        "relu-in-every-round",
        "inner-relu-extra",
        "c",
        "helpers",
        ("if index != 2", "if index < 3"),
    ),
    # 5. an inner ReLU missing
    _mutant(
        "no-relu-after-second",
        "inner-relu-missing",
        "i",
        "2017",
        ("    X = Activation('relu')(X)  # second\n", ""),
    ),
    _mutant(
        "no-relu-after-first",
        "inner-relu-missing",
        "c",
        "2021",
        ("    X = Activation('relu')(X) # c1\n", ""),
    ),
    _mutant(
        "one-round-too-few",
        "inner-relu-missing",
        "i",
        "helpers",
        ("if index < 2", "if index < 1"),
    ),
    # 6. no addition
    _mutant(
        "add-forgotten",
        "no-addition",
        "i",
        "2017",
        ("    X = layers.add([X, X_shortcut])\n", ""),
    ),
    _mutant(
        "add-forgotten-conv",
        "no-addition",
        "c",
        "helpers",
        ("ops.relu(ops.add(X, projected))", "ops.relu(X)"),
    ),
    # 7. X + X
    _mutant(
        "x-plus-x",
        "added-to-itself",
        "i",
        "2021",
        ("Add()([X_shortcut, X])", "Add()([X, X])"),
    ),
    _mutant(
        "x-plus-x-conv",
        "added-to-itself",
        "c",
        "2017",
        ("layers.add([X, X_shortcut])", "layers.add([X, X])"),
    ),
    # 8. added twice
    _mutant(
        "added-again",
        "added-twice",
        "i",
        "2017",
        (
            "    X = layers.add([X, X_shortcut])\n",
            "    X = layers.add([X, X_shortcut])\n"
            "    X = layers.add([X, X_shortcut])\n",
        ),
    ),
    _mutant(
        "added-again-operator",
        "added-twice",
        "i",
        "helpers",
        ("total = X + saved", "total = X + saved + saved"),
    ),
    _mutant(
        "added-after-relu",
        "added-twice",
        "i",
        "2021",
        (
            "    X = Activation('relu')(X) # i3\n",
            "    X = Activation('relu')(X) # i3\n    X = Add()([X_shortcut, X])\n",
        ),
    ),
    # 9. concatenation
    _mutant(
        "concatenated",
        "concatenated",
        "i",
        "2021",
        ("Add()([X_shortcut, X])", "Concatenate()([X_shortcut, X])"),
    ),
    _mutant(
        "concatenated-function",
        "concatenated",
        "c",
        "2017",
        ("layers.add([X, X_shortcut])", "concatenate([X, X_shortcut], axis=-1)"),
    ),
    # 10. the shortcut saved after X was overwritten
    _mutant(
        "saved-after-first",
        "shortcut-late",
        "i",
        "2021",
        (_SAVE, ""),
        (_FIRST_2021, _FIRST_2021 + _SAVE),
    ),
    _mutant(
        "saved-after-first-conv",
        "shortcut-late",
        "c",
        "2017",
        ("    X_shortcut = X  # saved\n", ""),
        (
            "    X = Activation('relu')(X)  # conv first\n",
            "    X = Activation('relu')(X)\n    X_shortcut = X\n",
        ),
    ),
    # 11. "same" and "valid" mixed up
    _mutant(
        "middle-valid", "padding", "i", "2017", ("padding = 'same'", "padding='valid'")
    ),
    _mutant(
        "middle-valid-default",
        "padding",
        "c",
        "2021",
        ("strides = (1, 1), padding='same',", "strides = (1, 1),"),
    ),
    _mutant(
        "all-valid",
        "padding",
        "i",
        "helpers",
        ('border="same"', 'border="valid"'),
    ),
    # 12. the stride in the wrong convolution
    _mutant(
        "stride-in-middle",
        "stride-place",
        "c",
        "helpers",
        ("strides = [s, 1, 1]", "strides = [1, s, 1]"),
    ),
    _mutant(
        "stride-in-third",
        "stride-place",
        "c",
        "2017",
        ("Conv2D(F1, (1, 1), strides = (s,s)", "Conv2D(F1, (1, 1), strides = (1,1)"),
        ("Conv2D(F3, (1, 1), strides = (1,1)", "Conv2D(F3, (1, 1), strides = (s,s)"),
    ),
    # 13. the stride missing on the shortcut
    _mutant(
        "shortcut-stride-gone",
        "stride-shortcut-missing",
        "c",
        "helpers",
        ("filters[2], 1, initializer, s)", "filters[2], 1, initializer)"),
    ),
    _mutant(
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
    _mutant(
        "axis-one",
        "bn-axis",
        "i",
        "2021",
        (
            "BatchNormalization(axis = 3)(X, training = training) # third",
            "BatchNormalization(axis = 1)(X, training = training)",
        ),
    ),
    _mutant(
        "axis-two-all",
        "bn-axis",
        "i",
        "helpers",
        ("BatchNormalization()", "BatchNormalization(axis=2)"),
    ),
    # 15. normalization missing
    _mutant(
        "no-bn-2b",
        "bn-missing",
        "i",
        "2017",
        ("    X = BatchNormalization(axis = 3, name = bn_name_base + '2b')(X)\n", ""),
    ),
    _mutant(
        "no-bn-third",
        "bn-missing",
        "c",
        "2021",
        ("    X = BatchNormalization(axis = 3)(X, training=training) # third\n", ""),
    ),
    # 16. normalization missing on the shortcut
    _mutant(
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
    _mutant(
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
    _mutant(
        "relu-on-shortcut",
        "shortcut-relu",
        "c",
        "2021",
        (
            "    ### END CODE HERE\n",
            "    X_shortcut = Activation('relu')(X_shortcut)\n",
        ),
    ),
    _mutant(
        "relu-on-identity",
        "shortcut-relu",
        "i",
        "helpers",
        ("total = X + saved", "total = X + layers.ReLU()(saved)"),
    ),
    # 18. filters in the wrong order
    _mutant(
        "f1-f3-exchanged",
        "filters-order",
        "c",
        "2017",
        ("F1, F2, F3 = filters", "F3, F2, F1 = filters"),
    ),
    _mutant(
        "f2-twice",
        "filters-order",
        "i",
        "2021",
        ("Conv2D(filters = F3", "Conv2D(filters = F2"),
    ),
    _mutant(
        "f1-twice",
        "filters-order",
        "i",
        "2017",
        ("Conv2D(filters = F2", "Conv2D(filters = F1"),
    ),
    _mutant(
        "filters-reversed",
        "filters-order",
        "i",
        "helpers",
        ("zip(filters, sizes)", "zip(filters[::-1], sizes)"),
    ),
    # 19. the kernel of the middle convolution
    _mutant(
        "middle-one-by-one",
        "kernel-size",
        "i",
        "2017",
        ("kernel_size = (f, f)", "kernel_size = (1, 1)"),
    ),
    _mutant(
        "middle-three",
        "kernel-size",
        "c",
        "helpers",
        ("sizes = [1, f, 1]", "sizes = [1, 3, 1]"),
    ),
    # 20. names twice
    _mutant(
        "2b-twice",
        "name-twice",
        "i",
        "2017",
        ("conv_name_base + '2c'", "conv_name_base + '2b'"),
    ),
    _mutant(
        "bn-2a-twice",
        "name-twice",
        "c",
        "2017",
        ("bn_name_base + '2c'", "bn_name_base + '2a'"),
    ),
    # 21. the seed missing
    _mutant(
        "seedless",
        "seed-missing",
        "c",
        "2017",
        (
            "conv_name_base + '2b', kernel_initializer = glorot_uniform(seed=0))",
            "conv_name_base + '2b', kernel_initializer = glorot_uniform())",
        ),
    ),
    _mutant(
        "no-initializer",
        "seed-missing",
        "i",
        "2021",
        (
            "padding = 'same', kernel_initializer = initializer(seed=0))",
            "padding = 'same')",
        ),
    ),
    # Not in the list.
    _mutant(
        "not-assigned",
        "result-unused",
        "i",
        "2021",
        ("    X = Activation('relu')(X) # i2\n", "    Activation('relu')(X)\n"),
    ),
    _mutant(
        "applied-to-shortcut",
        "wrong-input",
        "i",
        "2021",
        (
            "padding = 'same', kernel_initializer = initializer(seed=0))(X)",
            "padding = 'same', kernel_initializer = initializer(seed=0))(X_shortcut)",
        ),
    ),
    _mutant(
        "projection-forgotten",
        "projection-missing",
        "c",
        "helpers",
        ("    projected = conv_norm(saved, filters[2], 1, initializer, s)\n", ""),
        ("ops.add(X, projected)", "ops.add(X, saved)"),
    ),
    _mutant(
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
    _mutant(
        "no-bias",
        "bias",
        "i",
        "helpers",
        ("kernel_initializer", "use_bias=False, kernel_initializer"),
    ),
    _mutant(
        "dropout",
        "extra-step",
        "i",
        "2021",
        (_FIRST_2021, _FIRST_2021 + "    X = Dropout(0.3)(X)\n"),
    ),
    _mutant(
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
    _mutant(
        "sigmoid",
        "activation",
        "i",
        "2017",
        ("X = Activation('relu')(X)  # second", "X = Activation('sigmoid')(X)"),
    ),
    _mutant(
        "returns-nothing",
        "nothing-returned",
        "i",
        "2017",
        ("    ### END CODE HERE ###\n    return X", "    ### END CODE HERE ###"),
    ),
    _mutant(
        "unfinished",
        "not-written",
        "i",
        "2021",
        ("X = Add()([X_shortcut, X])", "X = None"),
    ),
    _mutant(
        "stride-fixed",
        "stride",
        "c",
        "2021",
        (
            "kernel_size = 1, strides = (s, s), padding='valid', kernel_initializer = initializer(seed=0))(X)\n",
            "kernel_size = 1, strides = (2, 2), padding='valid', kernel_initializer = initializer(seed=0))(X)\n",
        ),
    ),
    _mutant(
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
    _mutant(
        "training-fixed",
        "training-fixed",
        "i",
        "helpers",
        (
            "layers.BatchNormalization()(x)",
            "layers.BatchNormalization()(x, training=True)",
        ),
    ),
    _mutant(
        "multiplied",
        "not-an-addition",
        "i",
        "helpers",
        ("total = X + saved", "total = X * saved"),
    ),
    _mutant(
        "momentum",
        "bn-setting",
        "i",
        "2017",
        (
            "BatchNormalization(axis = 3, name = bn_name_base + '2c')",
            "BatchNormalization(axis = 3, momentum=0.1, name = bn_name_base + '2c')",
        ),
    ),
    _mutant(
        "wrong-name",
        "name-wrong",
        "c",
        "2017",
        ("conv_name_base + '1'", "conv_name_base + '3'"),
    ),
    # Several at once.
    _mutant(
        "three-mistakes",
        "inner-relu-missing padding last-relu-missing",
        "i",
        "2017",
        ("    X = Activation('relu')(X)  # second\n", ""),
        ("padding = 'same'", "padding='valid'"),
        (_LAST, ""),
    ),
    _mutant(
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
    _mutant(
        "two-more",
        "added-to-itself training-not-passed",
        "i",
        "2021",
        ("(X, training = training) # third", "(X)"),
        ("Add()([X_shortcut, X])", "Add()([X, X])"),
    ),
    # Written afterwards, to look for mistakes that would pass as right.
    _mutant(
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
    _mutant(
        "gradient-stopped",
        "gradient-stopped",
        "i",
        "helpers",
        ("total = X + saved", "total = X + ops.stop_gradient(saved)"),
    ),
    _mutant(
        "leaky",
        "activation",
        "i",
        "helpers",
        (
            "            X = layers.ReLU()(X)",
            "            X = layers.LeakyReLU(0.01)(X)",
        ),
    ),
    _mutant(
        "scale-from-zero",
        "start",
        "c",
        "helpers",
        ("BatchNormalization()", "BatchNormalization(gamma_initializer='zeros')"),
    ),
    _mutant(
        "initializer-ignored",
        "seed-missing",
        "i",
        "2021",
        (
            "padding = 'same', kernel_initializer = initializer(seed=0)",
            "padding = 'same', kernel_initializer = glorot_uniform(seed=0)",
        ),
    ),
    _mutant(
        "average",
        "not-an-addition",
        "i",
        "2021",
        ("Add()([X_shortcut, X])", "layers.Average()([X_shortcut, X])"),
    ),
    _mutant(
        "scaled",
        "extra-step",
        "i",
        "helpers",
        ("total = X + saved", "total = 0.1 * X + saved"),
    ),
    _mutant(
        "no-stride",
        "stride-missing",
        "c",
        "helpers",
        ("strides = [s, 1, 1]", "strides = [1, 1, 1]"),
    ),
    _mutant("default-stride", "stride-default", "c", "helpers", ("s=2,", "s=1,")),
    _mutant(
        "projection-of-main-path",
        "shortcut-late",
        "c",
        "helpers",
        ("conv_norm(saved,", "conv_norm(X,"),
    ),
    _mutant(
        "pooled-shortcut",
        "projection-missing extra-step",
        "c",
        "helpers",
        (
            "conv_norm(saved, filters[2], 1, initializer, s)",
            "layers.AveragePooling2D(s)(saved)",
        ),
    ),
    _mutant(
        "separable",
        "conv-kind",
        "i",
        "2021",
        (
            "Conv2D(filters = F2, kernel_size = f, strides = (1,1), padding = 'same', kernel_initializer = initializer(seed=0))",
            "layers.SeparableConv2D(F2, f, padding='same')",
        ),
    ),
    _mutant(
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
    _mutant(
        "inverted",
        "training-fixed",
        "i",
        "2021",
        ("(X, training = training) # second", "(X, training=not training)"),
    ),
    _mutant(
        "name-forgotten",
        "name-wrong",
        "i",
        "2017",
        ("name = conv_name_base + '2b', ", ""),
    ),
    _mutant(
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
    _mutant(
        "regularized",
        "conv-setting",
        "i",
        "2017",
        ("kernel_size = (f, f)", "kernel_regularizer = 'l2', kernel_size = (f, f)"),
    ),
    _mutant(
        "fused-relu",
        "order",
        "i",
        "2021",
        ("padding = 'same', kernel", "padding = 'same', activation = 'relu', kernel"),
        ("    X = Activation('relu')(X) # i2\n", ""),
    ),
]

# 22. the network: the count of layers, and what else goes wrong there.
NETWORK_MUTANTS = [
    _mutant(
        "block-missing",
        "layer-count",
        "n",
        "2017",
        ("    X = identity_block(X, 3, [256, 256, 1024], stage=4, block='f')\n", ""),
    ),
    _mutant(
        "stage-two-strided",
        "network-stride",
        "n",
        "2017",
        ("stage = 2, block='a', s = 1)", "stage = 2, block='a', s = 2)"),
    ),
    _mutant(
        "stage-five-narrow",
        "network-filters",
        "n",
        "2017",
        (
            "[512, 512, 2048], stage=5, block='c'",
            "[256, 256, 2048], stage=5, block='c'",
        ),
    ),
    _mutant(
        "block-too-many",
        "layer-count",
        "n",
        "2017",
        (
            "    # Stage 4\n",
            "    X = identity_block(X, 3, [128, 128, 512], stage=3, block='e')\n",
        ),
    ),
    _mutant(
        "pool-max",
        "network-step",
        "n",
        "2017",
        ("AveragePooling2D((2, 2), name='avg_pool')", "MaxPooling2D((2, 2))"),
    ),
    _mutant(
        "stage-start-missing",
        "network-addition",
        "n",
        "2017",
        (
            "    X = convolutional_block(X, f = 3, filters = [128, 128, 512], stage = 3, block='a', s = 2)\n",
            "",
        ),
    ),
    _mutant(
        "no-softmax",
        "network-step-missing",
        "n",
        "2017",
        ("activation='softmax', ", ""),
    ),
    _mutant(
        "classes-fixed",
        "network-classes",
        "n",
        "2017",
        ("X = Dense(classes, activation", "X = Dense(6, activation"),
    ),
]


def _changed(base, *changes):
    for old, new in changes:
        assert old in base, old
        base = base.replace(old, new)
    return base


# Right blocks, each in another style; all check both functions.
RIGHT = {
    "2017": COURSE_2017,
    "2021": COURSE_2021,
    "helpers": HELPERS,
    "operator": _changed(
        COURSE_2021,
        ("X = Add()([X_shortcut, X])", "X += X_shortcut"),
        ("X = Add()([X, X_shortcut])", "X = X_shortcut + X"),
    ),
    "relu-layers": _changed(
        COURSE_2017,
        ("Activation('relu')", "layers.ReLU()"),
        ("axis = 3", "axis = -1"),
    ),
    "same-everywhere": _changed(COURSE_2021, ("'valid'", "'same'")),
    "named-steps": _changed(
        COURSE_2017,
        (
            "layers.add([X, X_shortcut])",
            "Add(name='res' + str(stage) + block)([X_shortcut, X])",
        ),
        (
            "X = Activation('relu')(X)  # last",
            "X = Activation('relu', name='out' + block)(X)",
        ),
    ),
    "tensorflow-functions": _changed(
        COURSE_2021,
        ("X = Add()([X_shortcut, X])", "X = tf.add(X, X_shortcut)"),
        ("X = Add()([X, X_shortcut])", "X = tf.keras.layers.add([X, X_shortcut])"),
        ("X = Activation('relu')(X) # c3", "X = tf.nn.relu(X)"),
    ),
    "other-names": """\
from tensorflow import keras as k
L = k.layers
conv = lambda n, size, init, **more: L.Convolution2D(n, (size, size), kernel_initializer=init(seed=0), **more)

def identity_block(inp, f, filters, initializer=k.initializers.random_uniform):
    (a, b, c) = filters
    y = L.Activation(k.activations.relu)(L.BatchNormalization(axis=-1)(conv(a, 1, initializer)(inp)))
    y = L.Activation("relu")(L.BatchNormalization(axis=-1)(conv(b, f, initializer, padding="same")(y)))
    y = L.BatchNormalization(axis=-1)(conv(c, 1, initializer)(y))
    return k.ops.maximum(L.add([inp, y]), 0)

def convolutional_block(inp, f, filters, s=2, initializer=k.initializers.glorot_uniform):
    (a, b, c) = filters
    short = L.BatchNormalization(axis=-1)(conv(c, 1, initializer, strides=s)(inp))
    y = L.Activation("relu")(L.BatchNormalization(axis=-1)(conv(a, 1, initializer, strides=s)(inp)))
    y = L.Activation("relu")(L.BatchNormalization(axis=-1)(conv(b, f, initializer, padding="same")(y)))
    y = L.BatchNormalization(axis=-1)(conv(c, 1, initializer)(y))
    return L.ReLU()(L.add([short, y]))
""",
    "sequential": """\
import keras
from keras import layers

def path(filters, f, s, initializer):
    kernels = {"kernel_initializer": initializer(seed=0)}
    return keras.Sequential([
        layers.Conv2D(filters[0], 1, strides=s, **kernels),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.Conv2D(filters[1], f, padding="same", **kernels),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.Conv2D(filters[2], 1, **kernels),
        layers.BatchNormalization(),
    ])

def identity_block(X, f, filters, initializer=keras.initializers.RandomUniform):
    return layers.ReLU()(path(filters, f, 1, initializer)(X) + X)

def convolutional_block(X, f, filters, s=2, initializer=keras.initializers.GlorotUniform):
    shortcut = keras.Sequential([
        layers.Conv2D(filters[2], 1, strides=s, kernel_initializer=initializer(seed=0)),
        layers.BatchNormalization(),
    ])(X)
    return layers.ReLU()(layers.Add()([path(filters, f, s, initializer)(X), shortcut]))
""",
    "one-function": """\
from keras.layers import Activation, Add, BatchNormalization, Conv2D
from keras.initializers import glorot_uniform

def _step(x, n, k, tag, s=1, act=None):
    x = Conv2D(n, k, s, 'same' if s == 1 else 'valid', name=f'res{tag}', kernel_initializer=glorot_uniform(0))(x)
    x = BatchNormalization(3, name=f'bn{tag}')(x)
    return Activation(act)(x)

def _block(X, f, filters, tag, s, project):
    Y = X
    for part, n, k in zip('abc', filters, (1, f, 1)):
        Y = _step(Y, n, k, f'{tag}_branch2{part}', s if part == 'a' else 1, 'relu' if part < 'c' else 'linear')
    if project:
        X = _step(X, filters[-1], 1, f'{tag}_branch1', s)
    return Activation('relu')(Add()([Y, X]))

def identity_block(X, f, filters, stage, block):
    return _block(X, f, filters, f'{stage}{block}', 1, False)

def convolutional_block(X, f, filters, stage, block, s=2):
    return _block(X, f, filters, f'{stage}{block}', s, True)
""",
    "star-imports": """\
import tensorflow as tf
from tensorflow.keras.layers import *
from tensorflow.keras.initializers import *

def conv_bn_relu(X, n, k, training, initializer, s=1, relu=True):
    X = Conv2D(n, [k, k], strides=[s, s], padding="SAME", kernel_initializer=initializer(seed=0), bias_initializer="zeros")(X)
    X = BatchNormalization()(X, training=training)
    return Activation(tf.nn.relu)(X) if relu else X

def identity_block(X, f, filters, training=True, initializer=random_uniform):
    Y = conv_bn_relu(X, filters[0], 1, training, initializer)
    Y = conv_bn_relu(Y, filters[1], f, training, initializer)
    Y = conv_bn_relu(Y, filters[2], 1, training, initializer, relu=False)
    return ReLU()(Add()([Y, X]))

def convolutional_block(X, f, filters, s=2, training=True, initializer=glorot_uniform):
    Y = conv_bn_relu(X, filters[0], 1, training, initializer, s)
    Y = conv_bn_relu(Y, filters[1], f, training, initializer)
    Y = conv_bn_relu(Y, filters[2], 1, training, initializer, relu=False)
    X = conv_bn_relu(X, filters[2], 1, training, initializer, s, relu=False)
    return ReLU()(Add()([Y, X]))
""",
    "padded-by-hand": """\
from keras.layers import Activation, Add, BatchNormalization, Conv2D, ZeroPadding2D

def identity_block(X, f, filters, initializer):
    F1, F2, F3 = filters
    kept = X
    X = Conv2D(F1, 1, kernel_initializer=initializer(seed=0))(X)
    X = BatchNormalization()(X)
    X = Activation('relu')(X)
    before = (f - 1) // 2
    X = ZeroPadding2D(((before, f - 1 - before), (before, f - 1 - before)))(X)
    X = Conv2D(F2, f, kernel_initializer=initializer(seed=0))(X)
    X = BatchNormalization()(X)
    X = Activation('relu')(X)
    X = Conv2D(F3, 1, kernel_initializer=initializer(seed=0))(X)
    X = BatchNormalization()(X)
    X = Add()([X, kept])
    X = Activation('relu')(X)
    return X
""",
}
