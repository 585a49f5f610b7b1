"""Models with values that are no numbers are not opened to predict with."""

import keras
import numpy as np
import pytest

from resnet_keras import ResNetCIFAR, save_model
from resnet_keras.errors import InputError
from resnet_keras.inference import open_classifier
from tests import course_networks


def test_weights_that_are_not_finite_are_refused_though_it_predicts(tmp_path):
    model = ResNetCIFAR(8, (32, 32, 3), 3)
    variance = model.get_layer("bn_conv1").moving_variance
    variance.assign(np.full(variance.shape, np.inf))  # 1 / inf is 0, as good as any
    predicted = model(np.ones((1, 32, 32, 3), np.float32))
    assert np.isfinite(keras.ops.convert_to_numpy(predicted)).all()
    save_model(model, tmp_path / "spoilt.h5")
    words = r"spoilt\.h5: has values that are not finite in the moving_variance of "
    with pytest.raises(InputError, match=words + "layer bn_conv1"):
        open_classifier(str(tmp_path / "spoilt.h5"))


@pytest.mark.usefixtures("short_networks")
def test_size_that_weights_alone_do_not_say_is_told_as_assumed(tmp_path):
    course_networks.build(keras).save_weights(tmp_path / "a.weights.h5")
    remarks = open_classifier(str(tmp_path / "a.weights.h5")).remarks()
    assert any("224 x 224 pixels is assumed" in remark for remark in remarks)
