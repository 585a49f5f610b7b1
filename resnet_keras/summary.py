"""A network as a table, or as a drawing: `python -m resnet_keras.summary`."""

import argparse
from pathlib import Path

from resnet_keras import family
from resnet_keras.commands import integer_from, load_keras, run
from resnet_keras.errors import InputError
from resnet_keras.files.writing import check_folder, check_not_input
from resnet_keras.nets.stages import block_table, summary
from resnet_keras.nets.stages import stage_table as stage_table  # for old imports


def _parse(argv):
    parser = argparse.ArgumentParser(
        prog="python -m resnet_keras.summary",
        description="Print the stages of a network: sizes, layers, parameters, work, "
        "and where the shape changes.",
    )
    parser.add_argument(
        "model",
        metavar="MODEL",
        nargs="?",
        default="resnet50",
        help="a .h5 or .keras file, or one of "
        f"{', '.join(family.NETWORKS)} (default: resnet50)",
    )
    # Without defaults here, so that a file, which has its own, can refuse them.
    parser.add_argument(
        "--input-size",
        type=integer_from(32, 4096),
        metavar="N",
        help="side of the images in pixels (default: 64, or 32 for the cifar networks)",
    )
    parser.add_argument(
        "--classes", type=integer_from(1, 100_000), metavar="N", help="default: 6"
    )
    parser.add_argument(
        "--pool-padding",
        type=integer_from(0, 1),
        metavar="N",
        help="padding of the max pooling: 0 as in the course (default), 1 for the "
        "paper's sizes",
    )
    parser.add_argument(
        "--plot", metavar="FILE.png", help="draw the network on one page"
    )
    arguments = parser.parse_args(argv)
    if arguments.plot and Path(arguments.plot).suffix != ".png":
        parser.error(f"argument --plot: is {arguments.plot!r}; expected FILE.png")
    return arguments


def main(argv=None):
    """Parse, build or load, print, draw."""
    arguments = _parse(argv)
    path = Path(arguments.model)
    is_file = path.is_file() or path.suffix in (".h5", ".hdf5", ".keras")
    if not is_file:
        family.check_name(arguments.model)
    if arguments.plot:
        check_folder(Path(arguments.plot).parent)
        check_not_input([arguments.plot], [arguments.model])
    load_keras()
    model = _load(arguments) if is_file else _build(arguments)
    height, width, _ = model.input_shape[1:]
    if None in (height, width):
        raise InputError(
            f"{arguments.model}: takes pictures of any size, {model.input_shape[1:]}; "
            "expected a model of one size, whose sizes and work can be counted."
        )
    classes = model.output_shape[-1]
    print(f"{model.name} for {height} x {width} pixels, {classes} classes")
    print(summary(model))
    if arguments.plot:
        from resnet_keras import plots
        from resnet_keras.plots import diagram

        plots.save(diagram.architecture(model), arguments.plot)
        print(f"Drawn: {arguments.plot}")
    return 0


def _build(arguments):
    from resnet_keras.models import build

    small, _, _ = family.NETWORKS[arguments.model]
    size = arguments.input_size or (32 if small else 64)
    return build(
        arguments.model,
        (size, size, 3),
        arguments.classes or 6,
        arguments.pool_padding or 0,
    )


def _load(arguments):
    from resnet_keras.files import load_model

    for option in ("input_size", "classes", "pool_padding"):
        if getattr(arguments, option) is not None:
            raise InputError(
                f"{arguments.model}: --{option.replace('_', '-')} does not apply to a "
                "file, which says so itself. Leave the option out."
            )
    model, _ = load_model(arguments.model)
    if not block_table(model):
        raise InputError(
            f"{arguments.model}: has no layers named like res2a_branch2a; expected a "
            "network of this package."
        )
    return model


if __name__ == "__main__":
    run(main)
