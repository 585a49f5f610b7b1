"""Train a network on labelled images: `python -m resnet_keras.train`."""

import argparse
import shlex
import sys

from resnet_keras.commands import (
    add_processes,
    add_resume,
    add_skip_broken,
    check_processes,
    integer_from,
    refuse_both,
    run,
    something,
    without_processes,
)
from resnet_keras.errors import InputError
from resnet_keras.training.config import NUM_IMAGES_SHOWN, RunConfig, steps_or_seconds
from resnet_keras.training.options import add_number, add_settings, settings_given
from resnet_keras.training.recipe import RECIPES


def _parse(argv):
    parser = argparse.ArgumentParser(
        prog="python -m resnet_keras.train",
        description="Train the course's ResNet-50 and keep the model, its curves, its "
        "confusion matrix, its mistakes and its scores in one directory.",
    )
    parser.add_argument(
        "--data",
        type=something,
        metavar="SOURCE",
        help="folder with train_*.h5 and test_*.h5, or with train/ and test/, perhaps "
        "val/, holding a folder of images per class, or with a folder per class; or an "
        ".npz or HDF5 file; or a .csv file of paths and classes; or "
        '"hands", drawn on the spot (default: data/ if it holds train_*.h5, or hands)',
    )
    add_skip_broken(parser)
    parser.add_argument(
        "--model",
        metavar="NAME",
        help=f"{RunConfig.model} (the default), resnet18, plain34, resnet-cifar-20, "
        "...; a wrong name lists them all",
    )
    parser.add_argument(
        "--recipe",
        choices=tuple(RECIPES),
        help="how to train; robust, for pictures of other cameras and places, changes "
        "background, light and camera; course, for comparison, is Adam at 0.001 "
        "without augmentation, and with Keras' momentum of 0.99 for statistics, which "
        "lag: it predicts at random for many epochs after it has learned; imagenet-90 "
        "and imagenet-a3 are for a million pictures, on accelerators "
        f"(default: {RunConfig.recipe.name})",
    )
    usual, course = RECIPES["default"], RECIPES["course"]
    numbers = {
        "epochs": "passes over the training images (default: as many as show about "
        f"{NUM_IMAGES_SHOWN:,} images, but no less than 3; of the recipes imagenet-... "
        "90 and 100)",
        "batch_size": f"images per step (default: {usual.batch_size}; of the course's "
        f"recipe {course.batch_size})",
        "learning_rate": f"at the beginning (default: {usual.learning_rate}; of the "
        f"course's recipe {course.learning_rate})",
        "seed": f"of weights, shuffling and augmentation (default: {RunConfig.seed})",
        "image_size": f"side of the images in pixels (default: {RunConfig.image_size}; "
        f"of the recipes imagenet-... {RECIPES['imagenet-90'].image_size})",
    }
    add_settings(
        parser,
        numbers,
        "a model or weights of any naming scheme, or imagenet; a new head learns "
        "first, then the rest at a lower rate",
    )
    add_number(
        parser,
        "accumulate",
        "take each step over N batches, in the memory of one; recipes imagenet-... fit "
        "their learning rate to the number of images in a step "
        f"(default: {RunConfig.accumulate})",
    )
    add_number(
        parser,
        "freeze_until",
        "with --weights, leave stages 1 (the stem) to STAGE as they are",
        metavar="STAGE",
    )
    parser.add_argument(
        "--extra",
        type=something,
        metavar="SOURCE",
        help="train on the training images of this source too, such as hands; they "
        "neither validate nor test",
    )
    add_number(
        parser,
        "extra_weight",
        "with --extra, so many of its images for each of the data, about: those of the "
        f"data are repeated (default: {RunConfig.extra_weight})",
        metavar="W",
    )
    parser.add_argument(
        "--balance",
        action="store_true",
        default=None,
        help="let each class weigh alike in the loss, however few images it has",
    )
    parser.add_argument(
        "--folds",
        type=integer_from(2, 100),
        metavar="K",
        help="for few images: cross-validate, testing each image once, with K networks "
        "(needs the extra audit)",
    )
    parser.add_argument(
        "--groups",
        type=something,
        metavar="BY",
        help="with --folds, what stays together: 1 for the pictures of a folder, 2 for "
        "those of the folder above it, or a column of the .csv file (default: copies)",
    )
    parser.add_argument(
        "--stream",
        action="store_true",
        default=None,
        help="read pictures and shards as they are used, not all before training "
        "(default: where they are more than 4 GiB once decoded)",
    )
    parser.add_argument(
        "--checkpoint-every",
        type=_period,
        metavar="N",
        help="save within an epoch, too, every N steps, such as 200, or minutes, such "
        "as 10m; --resume goes on from there (default: after each epoch)",
    )
    parser.add_argument(
        "--tensorboard",
        action="store_true",
        help="write the curves for TensorBoard, too: tensorboard --logdir runs",
    )
    parser.add_argument(
        "--verbose",
        action="store_true",
        help="with --weights, print which of them went where, and what was left",
    )
    add_processes(parser)
    add_resume(parser)
    arguments = parser.parse_args(argv)
    refuse_both(parser, arguments)
    check_processes(parser, arguments)
    if arguments.groups and not arguments.folds:
        parser.error("--groups is for --folds, which is missing")
    if arguments.extra_weight and not (arguments.extra or arguments.resume):
        parser.error("--extra-weight is for --extra, which is missing")
    for name in ("tensorboard", "coordinator", "stream"):
        if getattr(arguments, name) and arguments.folds:
            parser.error(f"--{name} and --folds exclude each other")
    return arguments


def _period(text):
    try:
        steps_or_seconds(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def main(argv=None):
    """Parse, train, and say how it went."""
    arguments = _parse(argv)
    if arguments.coordinator:
        return _in_one_of_several_processes(arguments, argv)
    from resnet_keras.audit import quick
    from resnet_keras.inference.metrics import with_interval
    from resnet_keras.training.directory import train_in

    if arguments.folds:
        return _cross_validate(arguments)
    directory, dataset, metrics = train_in(
        arguments.out,
        settings_given(arguments),
        arguments.resume,
        arguments.overwrite,
        arguments.skip_broken,
        arguments.verbose,
        examine=quick,
        tensorboard=arguments.tensorboard,
    )
    for warning in metrics["warnings"]:
        print(f"Warning: {warning}")
    model = directory / "model.h5"
    score = "No test accuracy, without test images"
    if len(dataset.test):
        accuracy = with_interval(metrics["test_accuracy"], metrics["test_interval"])
        score = f"Test accuracy {accuracy} on {len(dataset.test)} images"
    print(
        f"{score}, after {metrics['train_seconds'] / 60:.1f} minutes of training\n"
        f"The model is {model}; curves, confusion matrix and mistakes are beside it\n"
        f"Try it: python -m resnet_keras.predict {shlex.quote(str(model))} IMAGE"
    )
    return 0


def _in_one_of_several_processes(arguments, argv):
    from resnet_keras.distributed.launching import launch

    return launch(
        "resnet_keras.train",
        without_processes(sys.argv[1:] if argv is None else argv),
        arguments.coordinator,
        arguments.num_processes,
        arguments.process_index,
    )


def _cross_validate(arguments):
    from resnet_keras.audit import group_images
    from resnet_keras.training.directory import cross_validate_in

    directory, _ = cross_validate_in(
        arguments.out,
        settings_given(arguments),
        arguments.folds,
        arguments.groups,
        group_images,
        arguments.resume,
        arguments.overwrite,
        arguments.skip_broken,
        arguments.verbose,
    )
    print(
        f"Each fold's run is in {directory}, with folds.json and confusion.png of all\n"
        "To keep a model, train on all images: the same command without --folds"
    )
    return 0


if __name__ == "__main__":
    run(main)
