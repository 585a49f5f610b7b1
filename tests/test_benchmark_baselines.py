"""What is compared is given the same, and is what its name says."""

import keras
import numpy as np
import pytest

from resnet_keras.benchmark import baselines, common, pytorch


def test_products_are_of_both_precisions(monkeypatch):
    monkeypatch.setattr(baselines, "MATRIX_SIDE", 8)
    steps = baselines.matrix_products("resnet50", 64, 32)
    assert {name: float(step()) for name, step in steps.items()} == {
        "float32": 8,
        "bfloat16": 8,
    }


def test_all_train_the_same_number_of_images():
    images, one_hot = common.random_images(8, 32)
    assert (images.shape, one_hot.shape) == ((8, 32, 32, 3), (8, 6))
    assert np.unique(one_hot.argmax(1)).tolist() == [0, 1, 2, 3, 4, 5]


def test_course_compiles_with_keras_defaults():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(6, "softmax")])
    baselines.compile_as_in_the_course(model, jit_compile=False)
    assert type(model.optimizer) is keras.optimizers.Adam
    assert float(model.optimizer.learning_rate) == pytest.approx(1e-3)
    assert model.optimizer.weight_decay is None


def test_fit_with_a_fixed_batch_does_as_many_steps_as_with_augmented_ones(monkeypatch):
    monkeypatch.setattr(baselines, "STEPS_IN_FIT", 2)
    steps = baselines.this_package_in_fit("resnet-cifar-20", 32, 4)
    assert {name: len(step().epoch) for name, step in steps.items()} == {
        "augmented": 1,
        "fixed": 1,
    }


def test_torch_network_is_the_courses():
    torch = pytest.importorskip("torch")
    from resnet_keras.benchmark.torch_resnet import ResNet

    network = ResNet(50, 6, stride_in="1x1", pool_padding=0)
    # The course's 23,600,006 less the convolutions' 26,560 biases and the 53,120
    # moving averages, which PyTorch does not count.
    number = sum(parameter.numel() for parameter in network.parameters())
    assert number == 23_600_006 - 26_560 - 53_120
    assert network(torch.zeros(2, 3, 64, 64)).shape == (2, 6)
    strides = [m.stride for m in network.layer2[0].children() if hasattr(m, "stride")]
    assert strides == [(2, 2), (1, 1), (1, 1)]


@pytest.fixture
def short_torch_network(monkeypatch):
    """Let PyTorch's be a network of 18 layers, a block to a stage."""
    pytest.importorskip("torch")
    from resnet_keras.benchmark import torch_resnet

    monkeypatch.setitem(torch_resnet.DEPTHS, 50, ((1, 1), (1, 1, 1, 1)))


@pytest.mark.parametrize("bfloat16", [False, True])
def test_torch_trains_in_the_precision_named(short_torch_network, bfloat16):
    [step] = pytorch.trains("resnet50", 32, 6, bfloat16).values()
    losses = [step() for _ in range(4)]
    # ln 6 = 1.79 for six classes at first; the same batch at each step is learned.
    assert losses[0] == pytest.approx(1.79, abs=0.7)
    assert losses[-1] < losses[0]


def test_torch_predicts_probabilities_rounded_in_bfloat16(short_torch_network):
    import torch

    found = []
    for bfloat16 in (False, True):
        torch.manual_seed(0)
        steps = pytorch.predicts("resnet50", 32, 4, bfloat16)
        batch, one = steps["batch"](), steps["one"]()
        assert (batch.shape, one.shape) == ((4, 6), (1, 6))
        np.testing.assert_allclose(batch.sum(axis=1), 1, atol=1e-5)
        found.append(batch)
    # bfloat16 has 8 bits of precision.
    difference = np.abs(found[0] - found[1]).max()
    assert 0 < difference < 0.05


def test_keras_choice_of_xla_is_that_of_a_network(tiny_model):
    model = keras.models.clone_model(tiny_model)
    baselines.compile_as_in_the_course(model, "auto")
    assert baselines.keras_chooses_xla() == model.jit_compile
