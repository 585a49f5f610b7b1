"""Each gap has its cause, few images are no evidence, and absurd losses are told."""

import pytest

from resnet_keras.training.diagnosis import diagnose


def found(
    train=0.99,
    validation=0.98,
    test=0.98,
    number=400,
    in_training=0.95,
    num_validation=400,
    losses=(0.1, 0.2, 0.1),
    advises_default=False,
):
    metrics = {
        "train_accuracy": train,
        "num_train_images_scored": 1000,
        "train_loss": losses[0],
        "validation_accuracy": validation,
        "num_validation_images": num_validation,
        "test_accuracy": test,
        "test_loss": losses[1],
        "num_test_images": number,
    }
    last_epoch = {"accuracy": in_training, "loss": losses[2]}
    if test is None:
        metrics |= {"test_loss": None, "num_test_images": 0}
    return diagnose(metrics, last_epoch, 6, advises_default)


def test_all_is_well():
    assert found() == []


@pytest.mark.parametrize("advises_default", [True, False])
def test_lagging_statistics(advises_default):
    # What the course's recipe on Keras 3 gave: 0.964 in training, 0.2417 on test.
    [warning] = found(
        0.25, 0.24, 0.2417, 120, in_training=0.964, advises_default=advises_default
    )
    assert "0.964" in warning
    assert "0.250 with the moving averages" in warning
    # Within a default run the default recipe is no advice.
    assert ("--recipe default" in warning) == advises_default


def test_learned_by_heart():
    [warning] = found(validation=0.81, test=0.8)
    assert warning.startswith("0.990 of the training images are right, but 0.800 of")
    assert "likely learned its images by heart" in warning


def test_test_images_of_another_kind():
    # As a course model fell from 0.917 to 0.229 on other people's hands.
    [warning] = found(train=0.95, validation=0.917, test=0.229)
    assert "0.917, so the test images are likely of another kind" in warning


@pytest.mark.parametrize(("validation", "num_validation"), [(1.0, 2), (None, 0)])
def test_two_validation_images_tell_nothing(validation, num_validation):
    # Of 2 and 400 images a gap is told from 0.05 + sqrt(1 / 2 + 1 / 400) = 0.76.
    [warning] = found(validation=validation, num_validation=num_validation, test=0.3)
    assert f"{num_validation or 'no'} validation images cannot tell" in warning


def test_what_few_images_make_by_chance_is_no_gap():
    # Two standard errors of 1000 and 100 images are sqrt(0.001 + 0.01) = 0.105, so a
    # gap up to 0.155 says nothing.
    assert found(test=0.84, validation=None, number=100) == []
    assert len(found(test=0.83, validation=None, number=100)) == 1


@pytest.mark.parametrize("position", [0, 1, 2])
def test_an_absurd_loss_is_told(position):
    # Guessing among six classes has a loss of ln 6 = 1.8; absurd is 5 more.
    losses = [0.1, 0.1, 0.1]
    losses[position] = 6.7
    assert found(losses=losses) == []
    losses[position] = 2840.0
    [warning] = found(losses=losses)
    assert "is 2,840.0, where guessing has 1.8" in warning


def test_without_test_images_the_validation_images_tell():
    # Of 1000 and 400 images a gap is told from 0.05 + sqrt(1 / 1000 + 1 / 400) = 0.11.
    none = "There is no test image, so no test accuracy."
    assert found(validation=0.89, test=None) == [none]
    assert found(validation=None, num_validation=0, test=None) == [none]
    first, warning = found(validation=0.8, test=None)
    assert first == none
    assert warning.startswith("0.990 of the training images are right, but 0.800 of")
    assert "validation images: the network has likely learned its images by" in warning
    first, warning = found(validation=0.98, test=None, losses=(2840.0, 0.0, 0.1))
    assert "loss on the training images is 2,840.0" in warning


@pytest.mark.parametrize("test", [0.2, None])
def test_a_network_that_learned_nothing(test):
    # Guessing among six classes has 0.167, and less than 0.05 more is no gap.
    warning = found(0.21, 0.2, test, in_training=0.2)[-1]
    assert "0.210 of the training images are right, where guessing has 0.167" in warning
    assert not any(
        "guessing" in each for each in found(0.22, 0.2, test, in_training=0.2)
    )
