"""What is compared is given the same, and is what its name says."""

import shutil
from functools import partial

import keras
import numpy as np
import pytest

from resnet_keras.benchmark import (
    baselines,
    common,
    exported,
    keras_network,
    own,
    pytorch,
)
from resnet_keras.benchmark.timing import interleaved


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_products_are_of_the_precision_named(monkeypatch, precision):
    monkeypatch.setattr(own, "MATRIX_SIDE", 8)
    [step] = own.matrix_products("resnet50", 64, (32,), precision).values()
    assert float(step()) == 8


def test_every_peer_has_a_name_settings_and_a_maker():
    for precision in ("float32", "bfloat16", "int8"):
        peers = baselines.prediction(precision, "folder")
        if precision != "int8":
            peers += baselines.training(precision)
            names = [peer.name for peer in peers]
            for name in ("Keras on JAX", "Keras on PyTorch", "PyTorch compiled"):
                assert names.count(f"(c) {name}") + names.count(f"(d) {name}") == 2
        assert {peer.precision for peer in peers} == {precision}
        assert all(peer.make.keywords["precision"] == precision for peer in peers)


def test_keys_are_each_a_peers_own():
    precisions = ("float32", "bfloat16", "int8")
    predicting = [y.key for x in precisions for y in baselines.prediction(x, "folder")]
    training = [y.key for x in precisions[:2] for y in baselines.training(x)]
    assert len(set(predicting)) == len(predicting)
    assert len(set(training)) == len(training)


def test_a_peer_names_the_packages_that_it_lacks(monkeypatch):
    found = {peer.name: peer for peer in baselines.training("float32")}
    monkeypatch.setattr(baselines, "find_spec", lambda name: None)
    assert found["(c) Keras on JAX"].missing() == ["jax"]
    assert found["(d) PyTorch compiled"].missing() == ["torch"]
    assert found[baselines.THIS].missing() == []


def test_bfloat16_is_compared_where_it_is_the_default(monkeypatch):
    monkeypatch.setattr(baselines, "default_precision", lambda: "float32")
    assert baselines.precisions() == ("float32",)
    monkeypatch.setattr(baselines, "default_precision", lambda: "mixed_bfloat16")
    assert baselines.precisions() == ("bfloat16", "float32")


def test_all_train_the_same_number_of_images():
    images, one_hot = common.random_images(8, 32)
    assert (images.shape, one_hot.shape) == ((8, 32, 32, 3), (8, 6))
    assert np.unique(one_hot.argmax(1)).tolist() == [0, 1, 2, 3, 4, 5]


def test_course_compiles_with_keras_defaults():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(6, "softmax")])
    keras_network.compile_as_in_the_course(model, jit_compile=False)
    assert type(model.optimizer) is keras.optimizers.Adam
    assert float(model.optimizer.learning_rate) == pytest.approx(1e-3)
    assert model.optimizer.weight_decay is None


def test_fit_with_a_fixed_batch_does_as_many_steps_as_with_augmented_ones(monkeypatch):
    monkeypatch.setattr(own, "STEPS_IN_FIT", 2)
    steps = own.trains_in_fit("resnet-cifar-20", 32, (4,))
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


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("tuned", [True, False])
def test_torch_trains_in_the_precision_named(short_torch_network, precision, tuned):
    [step] = pytorch.trains("resnet50", 32, (6,), precision, tuned=tuned).values()
    losses = [step() for _ in range(4)]
    # ln 6 = 1.79 for six classes at first; the same batch at each step is learned.
    assert losses[0] == pytest.approx(1.79, abs=0.7)
    assert losses[-1] < losses[0]


def test_torch_predicts_probabilities_rounded_in_bfloat16(short_torch_network):
    import torch

    found = []
    for precision in ("float32", "bfloat16"):
        torch.manual_seed(0)
        steps = pytorch.predicts("resnet50", 32, (1, 4), precision)
        batch, one = steps["4"](), steps["1"]()
        assert (batch.shape, one.shape) == ((4, 6), (1, 6))
        np.testing.assert_allclose(batch.sum(axis=1), 1, atol=1e-5)
        found.append(batch)
    # bfloat16 has 8 bits of precision.
    difference = np.abs(found[0] - found[1]).max()
    assert 0 < difference < 0.05


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_torch_compiled_trains_and_predicts(precision):
    pytest.importorskip("torch")
    if not shutil.which("g++"):
        pytest.skip("torch.compile needs a C++ compiler")
    settings = {"precision": precision, "compiled": True}
    assert_works(pytorch, "resnet18", settings)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_keras_trains_and_predicts_on_other_backends(backend):
    pytest.importorskip(backend)
    assert_works(keras_network, "resnet-cifar-20", {"backend": backend})


def assert_works(module, network, settings):
    makers = {
        "trains": partial(module.trains, **settings),
        "predicts": partial(module.predicts, **settings),
    }
    found = interleaved(makers, (network, 32, (4,)), 1)
    for values in found.values():
        assert "error" not in values
        assert values["seconds"]["4"][0] > 0


@pytest.fixture
def policy():
    """Let the policy for new layers be afterwards what it was."""
    before = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(before)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_keras_trains_and_predicts_in_the_precision_named(policy, precision):
    setting = "resnet-cifar-20", 32, (1, 4)
    steps = keras_network.trains(*setting, precision=precision)
    assert keras.config.dtype_policy().compute_dtype == precision
    assert len(steps["4"]()) == 2  # loss and accuracy
    for by_predict in (True, False):
        steps = keras_network.predicts(
            *setting, precision=precision, by_predict=by_predict
        )
        assert steps["4"]().shape == (4, 6)
        assert steps["1"]().shape == (1, 6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    for name in ("onnxruntime", "openvino", "tf2onnx"):
        pytest.importorskip(name)
    folder = tmp_path_factory.mktemp("exported")
    exported.write("resnet-cifar-20", 32, folder)
    return folder


def test_runtimes_predict_what_was_exported_alike(folder):
    setting = "resnet-cifar-20", 32, (1, 4), folder
    expected = exported.onnx_runtime(*setting)["4"]()
    assert expected.shape == (4, 6)
    for make, precision in (
        (exported.openvino, "float32"),
        (exported.openvino, "bfloat16"),
        (exported.onnx_runtime, "int8"),
        (exported.openvino, "int8"),
    ):
        found = make(*setting, precision)
        # Rounded to 8 bits a probability of a sixth differs by some hundredths.
        tolerance = 1e-5 if precision == "float32" else 0.05
        np.testing.assert_allclose(found["4"](), expected, atol=tolerance)
        assert found["1"]().shape == (1, 6)


def test_keras_choice_of_xla_is_that_of_a_network(tiny_model):
    model = keras.models.clone_model(tiny_model)
    keras_network.compile_as_in_the_course(model, "auto")
    assert keras_network.keras_chooses_xla() == model.jit_compile
