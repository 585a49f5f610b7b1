"""A model card: what a model is, what it was trained on, how good it is, its limits."""

import json
import shlex

from resnet_keras.files.writing import write_whole
from resnet_keras.inference.metrics import with_interval
from resnet_keras.training.config import RunConfig
from resnet_keras.training.recipe import RECIPES

ANSWERS_ALL = (
    "It knows the classes above and no others, and gives each picture one of them."
)
KNOWS_NONE = (
    "It knows the classes above and no others. `predict` names none of them where a "
    "picture is unlike all: so for one in 30 pictures of its classes, and not for "
    "every other picture."
)
_OTHERS = (
    "Its scores hold for pictures like the test images: of the same cameras, places "
    "and people. `python -m resnet_keras.evaluate MODEL --data OTHER --part all` tells "
    "how far they hold for others."
)


def write_model_card(path, dataset, config, metrics):
    """Write the model card of a finished run, in the form that Hugging Face reads.

    Args:
        path: of the file, such as "runs/signs/model_card.md".
        dataset: `Dataset` that it was trained on.
        config: `RunConfig`, resolved.
        metrics: dictionary that `metrics.json` holds.

    Raises:
        OSError: the file could not be written.

    Source: Mitchell et al. 2019, "Model cards for model reporting".
    """
    with write_whole(path) as temporary:
        text = model_card(dataset, config, metrics)  # with names that are no UTF-8
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def model_card(dataset, config, metrics):
    """Return the text of a model card; the arguments are `write_model_card`'s."""
    names = [str(name) for name in dataset.class_names]
    lines = [
        "---",
        *_front_matter(dataset, config, metrics),
        "---",
        "",
        f"# {config.model} on {dataset.name}",
        "",
        f"A residual network ({config.model}, {metrics['num_parameters']:,} "
        f"parameters) that names pictures of {len(names)} classes: "
        f"{', '.join(names[:50])}{', ...' if len(names) > 50 else ''}.",
        "",
        "```python",
        "from resnet_keras import load_model",
        "",
        'model, metadata = load_model("model.h5")',
        "```",
        "",
        f"`python -m resnet_keras.predict model.h5 IMAGE` prepares pictures as in "
        f"training ({config.image_size} pixels a side) and names them.",
        "",
        "## Scores",
        "",
        *_scores(metrics),
        "",
        "## Data",
        "",
        f"{metrics['num_train_images']} images trained it, "
        f"{metrics['num_validation_images']} chose nothing but were watched after each "
        f"epoch, and {metrics['num_test_images']} were used once, at the end. Source: "
        f"{dataset.source}.",
        "",
        *[f"- {note}" for note in dataset.notes],
        "",
        "## Limits",
        "",
        f"- {ANSWERS_ALL if metrics['answers_all'] else KNOWS_NONE}",
        *[f"- {limit}" for limit in (_OTHERS, *metrics["warnings"])],
        "",
        "## Training",
        "",
        "```",
        command(config),
        "```",
        "",
        f"Recipe {config.recipe.name}, {metrics['epochs']} epochs, seed {config.seed}, "
        f"{config.precision}, {metrics['train_seconds'] / 60:.1f} minutes; "
        + ", ".join(f"{name} {v}" for name, v in metrics["versions"].items())
        + ".",
        "",
    ]
    return "\n".join(lines)


def command(config):
    """Return the command that trains with a configuration.

    Of a recipe that has no name, and so no command, it is the call in Python.

    Example:

    >>> command(RunConfig(data="photos", seed=1))
    'python -m resnet_keras.train --data photos --seed 1'
    """
    if config.recipe.name not in RECIPES:
        return f"train(dataset, directory, {config!r})"
    usual = RunConfig.of_options({"recipe": config.recipe.name}).options()
    given = config.options()
    usual["recipe"] = RunConfig.recipe.name
    words = ["python -m resnet_keras.train"]
    for name, value in given.items():
        if value != usual[name] and value is not False:
            words.append(f"--{name.replace('_', '-')}")
            words += [] if value is True else [shlex.quote(str(value))]
    return " ".join(words)


def _front_matter(dataset, config, metrics):
    # JSON's texts and lists are YAML's.
    lines = [
        "library_name: keras",
        "pipeline_tag: image-classification",
        "tags: [image-classification, resnet, resnet_keras]",
    ]
    if metrics["test_accuracy"] is None:
        return lines
    return [
        *lines,
        "model-index:",
        f"- name: {json.dumps(f'{config.model} on {dataset.name}')}",
        "  results:",
        "  - task: {type: image-classification}",
        f"    dataset: {{name: {json.dumps(dataset.name)}, type: "
        f"{json.dumps(dataset.name)}, split: test}}",
        "    metrics:",
        *[
            f"    - {{type: {kind}, value: {metrics[key]:.4f}, name: {name}}}"
            for kind, key, name in (
                ("accuracy", "test_accuracy", "Accuracy"),
                ("balanced_accuracy", "test_balanced_accuracy", "Balanced accuracy"),
                ("f1", "test_macro_f1", "Macro F1"),
            )
        ],
    ]


def _scores(metrics):
    if metrics["test_accuracy"] is None:
        return ["There was no test image, so no test accuracy."]
    accuracy = with_interval(metrics["test_accuracy"], metrics["test_interval"])
    return [
        "| on | score |",
        "| --- | --- |",
        f"| {metrics['num_test_images']} test images | accuracy {accuracy} |",
        f"| the same | balanced accuracy {metrics['test_balanced_accuracy']:.4f}, "
        f"macro F1 {metrics['test_macro_f1']:.4f} |",
        f"| {metrics['num_train_images_scored']} training images | accuracy "
        f"{metrics['train_accuracy']:.4f} |",
    ]
