"""Each gap has its cause, and chance is none."""

import pytest

from resnet_keras.diagnosis import diagnose


def found(train=0.99, validation=0.98, test=0.98, number=400, in_training=0.95):
    metrics = {
        "train_accuracy": train,
        "validation_accuracy": validation,
        "test_accuracy": test,
        "num_test_images": number,
    }
    return diagnose(metrics, in_training)


def test_all_is_well():
    assert found() == []


def test_lagging_statistics():
    # What the course's recipe on Keras 3 gave: 0.964 in training, 0.2417 on test.
    [warning] = found(0.25, 0.24, 0.2417, 120, in_training=0.964)
    assert "0.964" in warning
    assert "0.250 with the moving averages" in warning
    assert "lag" in warning


@pytest.mark.parametrize("validation", [0.81, None])
def test_learned_by_heart(validation):
    [warning] = found(validation=validation, test=0.8)
    assert warning.startswith("0.990 of the training images are right, but 0.800 of")
    assert "by heart" in warning


def test_test_images_of_another_kind():
    # As a course model fell from 0.917 to 0.229 on other people's hands.
    [warning] = found(train=0.95, validation=0.917, test=0.229)
    assert "0.917, so the test images are likely of another kind" in warning


def test_what_chance_makes_of_few_images_is_no_gap():
    # Two standard errors of 100 images are 0.1, so up to 0.15 says nothing.
    assert found(test=0.85, validation=None, number=100) == []
    assert len(found(test=0.83, validation=None, number=100)) == 1
