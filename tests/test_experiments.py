"""Each experiment in its quick form, and verdicts that follow the data."""

import csv
import importlib
import inspect
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from PIL import Image

from resnet_keras import ResNetCIFAR
from resnet_keras.errors import InputError
from resnet_keras.experiments import __main__ as experiments
from resnet_keras.experiments import (
    degradation,
    depth_cost,
    gradients,
    identity,
    recipe,
    shortcuts,
    small,
)
from resnet_keras.recipe import Recipe
from resnet_keras.report import mean_and_margin
from tests.conftest import assert_refused, command, write_pair


def check_files(directory, name, rows, words):
    with (directory / f"{name}.csv").open() as file:
        written = list(csv.DictReader(file))
    assert [list(row.values()) for row in written] == [
        [str(value) for value in row.values()] for row in rows
    ]
    with Image.open(directory / f"{name}.png") as picture:
        assert min(picture.size) > 300
    assert (directory / f"{name}.txt").read_text() == words + "\n"


def test_degradation(tmp_path, capsys):
    rows, words = degradation.run(tmp_path, (8, 14), seeds=1, quick=True)
    check_files(tmp_path, "degradation", rows, words)
    assert len(rows) == 2 * 2 * 2  # kinds, depths, epochs
    assert all(0 <= row["test_error"] <= 1 for row in rows)
    printed = capsys.readouterr().out
    assert "4/4" in printed
    assert "left" in printed
    assert "Done in" in printed


def degradation_rows(plain, residual):
    """Return made-up results: for each kind, errors of 20 and of 56 layers by seed."""
    return [
        {
            "network": network,
            "depth": depth,
            "seed": seed,
            "epoch": 1,
            "loss": 1.0,
            "train_error": error,
            "test_error": error,
        }
        for network, errors in (("plain", plain), ("residual", residual))
        for depth, by_seed in zip((20, 56), errors, strict=True)
        for seed, error in enumerate(by_seed)
    ]


def test_degradation_verdict_needs_the_data_to_show_it():
    def verdict(plain, residual):
        return degradation.verdict(degradation_rows(plain, residual), chance=5 / 6)

    low, high = (0.1, 0.12, 0.11), (0.5, 0.55, 0.6)
    shown = verdict((low, high), (high, low))
    assert "but not the residual one: degradation, as in the paper" in shown
    assert "from 11.0% to 55.0%" in shown
    assert "trains worse in 3 of 3 seeds, by +44.0 points" in shown
    assert "hardly learnt" not in shown
    unsure = verdict((low, (0.8, 0.81, 0.82)), (low, (0.2, 0.11, 0.12)))
    assert "the residual one by more than chance explains: degradation" in unsure
    assert "errs in 83.3%: beyond that plain-56 hardly learnt." in unsure
    both = verdict((low, high), (low, high))
    assert "the residual network by 100% of what the plain one lost" in both
    scattered = verdict(((0.1, 0.5, 0.3), (0.5, 0.1, 0.4)), (high, low))
    assert "chance" in scattered
    one_seed = verdict(((0.1,), (0.9,)), ((0.1,), (0.1,)))
    assert "chance" in one_seed
    better = verdict((high, low), (low, low))
    assert "better in training: no degradation" in better
    # Each by itself is sure or not; the difference between the two is not.
    alike = verdict((low, (0.12, 0.145, 0.14)), (low, (0.1, 0.18, 0.14)))
    assert "worse in training, but not more than the residual one" in alike
    assert "as in the paper" not in alike


def test_gradients(tmp_path):
    rows, words = gradients.run(tmp_path, quick=True)
    check_files(tmp_path, "gradients", rows, words)
    # Convolutions of 8 and 14 layers, two steps, two kinds, with and without
    assert len(rows) == (7 + 13) * 2 * 2 * 2
    # The deeper plain network without normalization loses more on the way.
    before = {
        depth: gradients.share(rows, "plain", depth, False, 0) for depth in (8, 14)
    }
    assert before[14] < before[8] < 1
    assert gradients.share(rows, "residual", 14, False, 0) > 10 * before[14]
    # Kernels that are drawn for ReLUs let more of it through.
    data = small.load_usual("hands", True, num_train=600, num_test=6)
    he = keras.initializers.HeNormal
    rows = gradients.measure("plain", 14, False, data, (0,), 0, initialization=he)
    assert gradients.share(rows, "plain", 14, False, 0) > 3 * before[14]


def gradient_rows(shares):
    return [
        {
            "network": network,
            "depth": 110,
            "normalized": normalized,
            "step": step,
            "layer": layer,
            "by_output": norm,
            "by_kernel": norm,
        }
        for (network, normalized), share in shares.items()
        for step in (0, 9)
        for layer, norm in ((1, share), (2, 1.0))
    ]


def test_gradients_verdict_follows_the_norms():
    shares = {("plain", False): 1e-12, ("residual", False): 0.5}
    shares |= {("plain", True): 2.0, ("residual", True): 2.0}
    words = gradients.verdict(gradient_rows(shares))
    assert "gradient vanishes" in words
    assert "the residual one's stays within a factor of 1,000." in words
    assert "vanishing is not what hinders it" in words
    shares |= {("plain", False): 1e4, ("plain", True): 1e-9}
    other = gradients.verdict(gradient_rows(shares))
    assert "gradient explodes" in other
    assert "vanishing hinders it here" in other
    unknown = gradients.verdict(gradient_rows(shares | {("plain", True): float("nan")}))
    assert "cannot be told" in unknown
    assert "is not known" in unknown


def test_without_normalization_leaves_out_just_that():
    model = ResNetCIFAR(8, (8, 8, 3))
    bare = gradients.without_normalization(model)
    kinds = [type(layer).__name__ for layer in bare.layers]
    assert "BatchNormalization" not in kinds
    assert kinds.count("Add") == 3
    assert len(kinds) == len(model.layers) - 7
    np.testing.assert_array_equal(
        bare.get_layer("conv1").kernel, model.get_layer("conv1").kernel
    )


def test_identity(tmp_path):
    rows, words = identity.run(tmp_path, quick=True)
    check_files(tmp_path, "identity", rows, words)
    assert "2 of 2 kinds of block return X to the last bit" in words
    assert len([row for row in rows if row["measure"] == "response"]) == 2 * 7


def identity_rows(response, error):
    rows = [identity._row("difference", "basic block", "", "", 0.5)]
    for kind in ("plain", "residual"):
        rows.append(identity._row("error", kind, "", 0, error[kind]))
        for depth in (20, 56):
            rows.append(identity._row("response", kind, depth, 1, response[kind]))
            rows.append(identity._row("train_error", kind, depth, "", 0.1))
    return rows


def test_identity_verdict_follows_the_numbers():
    small_first = {"residual": 0.1, "plain": 1.0}
    words = identity.verdict(identity_rows(small_first, small_first))
    assert "0 of 1 kinds" in words
    assert "the residual one comes closer, by a factor of 10" in words
    assert words.count("as in the paper") == 2
    other = {"residual": 1.0, "plain": 0.1}
    words = identity.verdict(identity_rows(other, other))
    assert "the plain one comes closer" in words
    assert words.count("unlike in the paper") == 2
    words = identity.verdict(identity_rows({"residual": 1.0, "plain": 1.01}, other))
    assert words.count("no different with sums") == 2
    assert "does as much as one of 20" in words


def test_responses_are_the_normalized_deviations():
    model = ResNetCIFAR(8, (8, 8, 3), 3)
    images = np.random.default_rng(0).random((5, 8, 8, 3), np.float32)
    found = identity.responses(model, images)
    assert len(found) == 7
    first = keras.Model(model.input, model.get_layer("bn_conv1").output)(images)
    assert found[0] == pytest.approx(np.std(first), rel=1e-4)


def test_shortcuts(tmp_path):
    rows, words = shortcuts.run(tmp_path, seeds=1, quick=True)
    check_files(tmp_path, "shortcuts", rows, words)
    parameters = {row["option"]: row["parameters"] for row in rows}
    assert parameters["A"] < parameters["B"] < parameters["C"]
    assert f"{parameters['B']:,} parameters" in words


def test_shortcuts_verdict_tells_a_difference_from_chance():
    def rows(errors):
        return [
            {
                "option": option,
                "seed": seed,
                "parameters": 1,
                "seconds_per_epoch": 1.0,
                "train_error": error,
                "test_error": error,
            }
            for option, by_seed in errors.items()
            for seed, error in enumerate(by_seed)
        ]

    low, high = (0.1, 0.11, 0.12), (0.3, 0.31, 0.33)
    words = shortcuts.verdict(rows({"A": high, "B": low, "C": low}))
    assert "B is better than A" in words
    assert "C is better than B" not in words
    assert "no two differ" in shortcuts.verdict(rows(dict.fromkeys("ABC", low)))
    one = shortcuts.verdict(rows({"A": (0.3,), "B": (0.1,), "C": (0.1,)}))
    assert "One seed cannot tell" in one


@pytest.mark.parametrize("seeds", [1, 2])
def test_recipe(seeds, tmp_path):
    source = write_pair(tmp_path / "colours")
    rows, words = recipe.run(source, tmp_path, epochs=1, seeds=seeds, quick=True)
    check_files(tmp_path, "recipe", rows, words)
    # three changes, of which the first is none, and mirror images of it
    assert len(rows) == 4 * seeds
    assert {row["seed"] for row in rows} == set(range(seeds))
    assert "With no augmentation: " in words
    both = next(row for row in rows if "mirror" in row["change"])
    assert both["mirrored_accuracy"] == both["validation_accuracy"]


def test_recipe_with_some_changes_only(tmp_path):
    source = write_pair(tmp_path / "colours")
    rows, _ = recipe.run(source, tmp_path, 1, 1, only=["no label"], quick=True)
    assert [row["change"] for row in rows][2:] == ["no label smoothing"]
    assert all(0 <= row["elsewhere_accuracy"] <= 1 for row in rows)
    name = "Adam for all weights"  # a part of another's, too
    assert list(recipe._chosen([name])) == [next(iter(recipe.CHANGES)), name]
    with pytest.raises(InputError, match="no such change"):
        recipe.run(source, tmp_path, 1, 1, only=["flops"], quick=True)


def test_recipe_changes_name_settings_and_change_them():
    usual = Recipe().as_dict()
    for change, settings in list(recipe.CHANGES.items())[1:]:
        assert settings, change
        for key, value in settings.items():
            assert usual[key] != value, (change, key)


def test_effects_of_changes_are_taken_seed_by_seed():
    def row(change, seed, accuracy, seconds=10.0):
        return {
            "change": change,
            "seed": seed,
            "validation_accuracy": accuracy,
            "validation_loss": 1 - accuracy,
            "elsewhere_accuracy": accuracy / 2,
            "mirrored_accuracy": accuracy / 4,
            "seconds": seconds,
        }

    whole = next(iter(recipe.CHANGES))
    rows = [row(whole, 0, 0.9), row(whole, 1, 0.8)]
    rows += [row("x", 0, 0.85, 20.0), row("x", 1, 0.7, 20.0)]
    found = recipe.effects(rows)
    assert list(found) == ["x"]
    np.testing.assert_allclose(found["x"]["accuracy"], [-5, -10])
    np.testing.assert_allclose(found["x"]["loss"], [0.05, 0.1])
    np.testing.assert_allclose(found["x"]["elsewhere"], [-2.5, -5])
    np.testing.assert_allclose(found["x"]["mirrored"], [-1.25, -2.5])
    words = recipe.verdict(rows)
    assert "85.0 ± 7.1 %, 42.5 ± 3.5 % elsewhere, 21.2 ± 1.8 % in a mirror" in words
    assert (
        "With x: -7.5 ± 3.5 points, -3.8 ± 1.8 elsewhere, -1.9 ± 0.9 in a mirror, "
        "loss +0.075 ± 0.035, 2.00 of the time." in words
    )


def test_where_nothing_can_be_written_is_told_before_the_work(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        depth_cost.run(tmp_path / "file" / "sub", quick=True)


def test_depth_cost(tmp_path):
    rows, words = depth_cost.run(tmp_path, quick=True)
    check_files(tmp_path, "depth-cost", rows, words)
    assert [row["parameters"] for row in rows] == [11_193_990, 21_313_286]
    for row in rows:
        assert row["weights_mb"] == pytest.approx(row["parameters"] * 4 / 2**20)
        assert row["memory_mb"] > row["weights_mb"]
        assert row["seconds_per_image"] > 0
    assert "From 18 to 34 layers, 1.9 x as deep" in words


def test_hands_are_cut_out_and_centred():
    data = small.load("hands", 16, 12, 6)
    assert data.train_images.shape == (12, 16, 16, 3)
    assert data.train_images.dtype == np.float32
    assert abs(data.train_images.mean()) < 1e-3
    assert sorted(data.test_labels) == [0, 1, 2, 3, 4, 5]
    assert data.num_classes == 6


def test_plain_and_residual_of_a_seed_begin_alike():
    data = small.load("hands", 8, 6, 6)
    plain, residual = (small.network(k, 8, data, 1) for k in ("plain", "residual"))
    other = small.network("plain", 8, data, 2)
    kernels = [m.get_layer("res3a_branch2a").kernel for m in (plain, residual, other)]
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert np.abs(np.asarray(kernels[0]) - np.asarray(kernels[2])).max() > 0.01


def test_margin_is_students():
    mean, margin = mean_and_margin([0.1, 0.2, 0.4, 0.5])
    assert mean == pytest.approx(0.3)
    # s = 0.18257 and t = 3.182 with three degrees of freedom, over sqrt(4)
    assert margin == pytest.approx(3.18 * 0.18257 / 2, rel=1e-3)
    assert mean_and_margin([1.0]) == (1.0, float("inf"))


def test_help_answers_before_keras_is_loaded():
    start = time.perf_counter()
    code = (
        "import sys, resnet_keras.experiments.__main__ as m\n"
        "try: m.main(['degradation', '--help'])\n"
        "except SystemExit: print('keras' in sys.modules)"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert process.stdout.splitlines()[-1] == "False"
    assert time.perf_counter() - start < 2  # it takes a tenth of a second


@pytest.mark.parametrize(
    "line",
    [
        ["gradients", "--quick"],
        ["degradation", "--depths", "8,14", "--data", "hands", "--seeds", "1"],
        ["identity"],
        ["shortcuts", "--seeds", "2"],
        ["depth-cost"],
        ["fine-tune", "model.h5", "--data", "signs"],
        ["recipe", "--data", "signs", "--epochs", "1", "--only", "flips"],
        ["explain", "model.h5", "image.png", "--trust"],
    ],
    ids=lambda line: line[0],
)
def test_options_are_what_the_experiment_takes(line, monkeypatch, tmp_path):
    name = line[0].replace("-", "_")
    package = "resnet_keras" if name == "explain" else "resnet_keras.experiments"
    module = importlib.import_module(f"{package}.{name}")
    signature, taken = inspect.signature(module.run), []
    monkeypatch.setattr(module, "run", lambda **given: taken.append(given))
    assert experiments.main([*line, "--out", str(tmp_path)]) == 0
    bound = signature.bind(**taken[0]).arguments
    assert bound["out"] == str(tmp_path)


@pytest.mark.parametrize("depths", ["20", "20,57", "a,b", "2,8"])
def test_depths_are_checked(depths):
    process = command("experiments", "degradation", "--depths", depths)
    assert process.returncode == 2
    assert "6n + 2" in process.stderr


def test_command_refuses_a_missing_source(tmp_path):
    arguments = ("degradation", "--quick", "--data", tmp_path / "none")
    assert_refused(command("experiments", *arguments), "none")
