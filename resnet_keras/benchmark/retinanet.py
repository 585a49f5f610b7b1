"""KerasHub's RetinaNet as a peer of `detect train`: same backbone, scenes and minutes.

It trains on the batches of `detect train`, augmentation included, and its boxes are
scored by the same function. What KerasHub's defaults would spoil in a short training is
repaired: class logits begin at a probability of 0.01 and boxes at their anchors, as the
paper has them, with kernels of standard deviation 0.01; heads and pyramid are
normalized; anchors of three strides at strides 8, 16 and 32 fit the scenes' objects.

Source: Lin et al. 2017, "Focal Loss for Dense Object Detection".
"""

import os
import time
from dataclasses import replace
from itertools import count

from resnet_keras.detection.decoding import IOU, Found
from resnet_keras.detection.evaluation import LEAST_SCORE, evaluate_detections
from resnet_keras.errors import InputError

RATES = (3e-4, 1e-3, 3e-3, 1e-2)
_LEVELS = (3, 5)  # of strides 8 to 32
_ANCHOR = 3.0  # sides of the smallest anchor, in strides
_WARM_UP = 50  # steps
_AT_A_TIME = 50  # pictures of a prediction


def measure(minutes, report, rates=RATES, seed=0, image_size=128, num_scenes=None):
    """Train RetinaNet with each learning rate, and score it on the test scenes.

    Args:
        minutes: of training, of the processor time divided by the number of cores: what
            an idle machine would take.
        report: function that takes a row as soon as it is measured.
        rates: highest learning rates of Adam, which a cosine lowers.
        seed: of weights and batches.
        image_size: side of the scenes, in pixels.
        num_scenes: how many scenes train and test; None: as `detect train`.

    Returns:
        List of dictionaries: `rate`, `pictures` shown, `minutes`, and `AP`, `AP50` and
        `AP75` on the test scenes. To choose a rate by them favours RetinaNet.

    Raises:
        InputError: KerasHub is not installed.
    """
    try:
        import keras_hub  # noqa: F401
    except ImportError:
        raise InputError(
            "keras-hub is not installed; RetinaNet comes from it: pip install keras-hub"
        ) from None
    from resnet_keras.detection import load_detection

    dataset = load_detection("scenes", image_size=image_size)
    if num_scenes:
        dataset = replace(
            dataset, train=dataset.train[:num_scenes], test=dataset.test[:num_scenes]
        )
    rows = []
    for rate in rates:
        rows.append({"rate": rate} | _trained(dataset, 60 * minutes, rate, seed))
        report(rows[-1])
    return rows


def heading():
    """Return the heading of the rows' table."""
    return (
        "KerasHub's RetinaNet by learning rate\n"
        f"{'rate':>8}{'pictures':>10}{'minutes':>9}{'AP':>8}{'AP50':>8}{'AP75':>8}"
    )


def line(row):
    """Return a row's line of the table."""
    return (
        f"{row['rate']:>8g}{row['pictures']:>10,}{row['minutes']:>9.1f}"
        f"{row['AP']:>8.3f}{row['AP50']:>8.3f}{row['AP75']:>8.3f}"
    )


def _trained(dataset, seconds, rate, seed):
    """Train for so many seconds, and return a row without its rate."""
    import keras
    import tensorflow as tf

    from resnet_keras.accelerate.probe import default_precision
    from resnet_keras.detection.settings import DEFAULTS
    from resnet_keras.detection.training import Detection
    from resnet_keras.training import RunConfig

    keras.utils.set_random_seed(seed)
    options = DEFAULTS | {"image_size": dataset.image_size, "seed": seed}
    batches = Detection(
        dataset, RunConfig.of_options(options).resolved(dataset)
    ).batches
    model = _retinanet(dataset, default_precision(), seed)

    def forever():
        for epoch in count():
            batches.begin_epoch(epoch)
            for images, objects in map(batches.__getitem__, range(len(batches))):
                yield images, {"boxes": objects[..., :4], "labels": objects[..., 4]}

    images, objects = next(forever())
    spec = {name: tf.TensorSpec(x.shape) for name, x in objects.items()}
    data = tf.data.Dataset.from_generator(
        forever, output_signature=(tf.TensorSpec(images.shape), spec)
    ).prefetch(2)

    def compile(learning_rate):
        optimizer = keras.optimizers.Adam(learning_rate, global_clipnorm=1.0)
        model.compile(optimizer=optimizer, jit_compile=False)

    def fit(num_steps):
        start = _processor_seconds()
        model.fit(data, steps_per_epoch=num_steps, verbose=0)
        return _processor_seconds() - start

    compile(0.0)
    fit(2)  # the first steps trace the network
    num_steps = max(_WARM_UP + 1, round(8 * seconds / fit(8)))
    compile(
        keras.optimizers.schedules.CosineDecay(
            0.0, num_steps - _WARM_UP, warmup_target=rate, warmup_steps=_WARM_UP
        )
    )
    spent = fit(num_steps)
    scores = evaluate_detections(
        dataset.test, _found(model, dataset.test.images), dataset.class_names
    )
    figures = {name: scores[name] for name in ("AP", "AP50", "AP75")}
    return {"pictures": num_steps * len(images), "minutes": spent / 60} | figures


def _retinanet(dataset, precision, seed):
    """Return KerasHub's RetinaNet on this package's ResNet-18, not yet trained."""
    import keras
    import keras_hub
    import numpy as np
    from keras_hub.src.layers.modeling.non_max_supression import NonMaxSuppression
    from keras_hub.src.models.retinanet.retinanet_label_encoder import (
        RetinaNetLabelEncoder,
    )

    from resnet_keras import ResNet18
    from resnet_keras.nets.graph import feature_maps

    shape, policy = dataset.train.images.shape[1:], keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        network = ResNet18(shape, classes=len(dataset.class_names))
        maps = feature_maps(network)
        encoder = keras.Model(network.input, maps["C5"])
        encoder.pyramid_outputs = {f"P{i}": maps[f"C{i}"] for i in (3, 4, 5)}
        backbone = keras_hub.models.RetinaNetBackbone(
            encoder,
            *_LEVELS,
            use_p5=False,
            use_fpn_batch_norm=True,
            image_shape=shape,
        )
        # Places in bfloat16 would be half a pixel off.
        exact = {"bounding_box_format": "xyxy", "dtype": "float32"}
        anchors = keras_hub.layers.AnchorGenerator(
            min_level=_LEVELS[0],
            max_level=_LEVELS[1],
            num_scales=3,
            aspect_ratios=[0.5, 1.0, 2.0],
            anchor_size=_ANCHOR,
            **exact,
        )
        model = keras_hub.models.RetinaNetObjectDetector(
            backbone,
            len(dataset.class_names),
            bounding_box_format="xyxy",
            anchor_generator=anchors,
            label_encoder=RetinaNetLabelEncoder(
                anchors, encoding_format="center_xywh", **exact
            ),
            prediction_decoder=NonMaxSuppression(
                from_logits=True,
                iou_threshold=IOU,
                confidence_threshold=LEAST_SCORE,
                **exact,
            ),
            use_prediction_head_norm=True,
        )
    finally:
        keras.config.set_dtype_policy(policy)
    rng = np.random.default_rng(seed)
    heads = {model.classification_head: -np.log(99), model.box_head: 0.0}
    for head, bias in heads.items():
        layer = head.prediction_layer
        layer.kernel.assign(rng.normal(0, 0.01, layer.kernel.shape))
        layer.bias.assign(np.full(layer.bias.shape, bias))
    return model


def _found(model, images):
    """Return the `Found` of each picture."""
    import keras
    import numpy as np

    found = []
    for start in range(0, len(images), _AT_A_TIME):
        batch = images[start : start + _AT_A_TIME].astype(np.float32) / 255
        raw = model(batch, training=False)
        raw = {name: keras.ops.cast(x, "float32") for name, x in raw.items()}
        result = model.decode_predictions(raw, batch)
        names = ("boxes", "labels", "confidence")
        arrays = [keras.ops.convert_to_numpy(result[name]) for name in names]
        for boxes, labels, scores in zip(*arrays, strict=True):
            is_one = labels >= 0
            found.append(
                Found(boxes[is_one], labels[is_one].astype(int), scores[is_one])
            )
    return found


def _processor_seconds():
    return time.process_time() / os.cpu_count()
