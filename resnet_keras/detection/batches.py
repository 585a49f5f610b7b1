"""Batches of pictures with boxes, for a detector and for a localizer."""

import numpy as np

from resnet_keras.detection.augmentation import augment_boxes
from resnet_keras.detection.network import NUM_BOX
from resnet_keras.detection.targets import IGNORED
from resnet_keras.training.augmentation import Batches


class ObjectBatches(Batches):
    """Shuffled, augmented batches of pictures with boxes, as `Batches`.

    Their targets are float32 (batch_size, most, 5): boxes in pixels and class of the
    objects that are seen, -1 for none, `IGNORED` less its class for an ignored box.
    `most` is the number in the fullest picture.
    """

    def __init__(self, pictures, rows, recipe, seed, prepare=None):
        self._pictures = pictures
        numbers = zip(pictures.labels, pictures.ignored, strict=True)
        self._most = max(1, *(len(labels) + len(boxes) for labels, boxes in numbers))
        batch_size = recipe.batch_size
        super().__init__(pictures.images, None, rows, batch_size, recipe, seed, prepare)

    def _variant(self, row, rng):
        ignored = self._pictures.ignored[row]
        boxes = np.concatenate([self._pictures.boxes[row], ignored[:, :4]])
        labels = np.append(self._pictures.labels[row], IGNORED - ignored[:, 4])
        image, boxes, kept = augment_boxes(
            self._images[row], boxes, self._recipe, rng, always=labels < 0
        )
        objects = np.full((self._most, 5), -1, np.float32)
        objects[: len(boxes), :4] = boxes
        objects[: len(boxes), 4] = labels[kept]
        return image, objects


class LocatedBatches(Batches):
    """Shuffled, augmented batches of pictures of one object or none, as `Batches`.

    Their targets are the course's y, float32 (batch_size, 5 + num_classes), as
    `network.localizer` predicts it; zeros where there is no object. Of several objects
    the first counts. Pictures with ignored boxes alone are left out.
    """

    def __init__(self, pictures, rows, num_classes, recipe, seed, prepare=None):
        self._pictures, self._num_classes = pictures, num_classes
        rows = [
            x for x in rows if len(pictures.labels[x]) or not len(pictures.ignored[x])
        ]
        batch_size = recipe.batch_size
        super().__init__(pictures.images, None, rows, batch_size, recipe, seed, prepare)

    def _variant(self, row, rng):
        image, boxes, kept = augment_boxes(
            self._images[row], self._pictures.boxes[row], self._recipe, rng
        )
        y = np.zeros(1 + NUM_BOX + self._num_classes, np.float32)
        if len(boxes):
            low, high = boxes[0, :2] / len(image), boxes[0, 2:] / len(image)
            label = self._pictures.labels[row][kept][0]
            y[0] = y[1 + NUM_BOX + label] = 1
            y[1:3], y[3:5] = (low + high) / 2, (high - low)[::-1]  # height first
        return image, y
