"""The page itself, of Gradio's parts."""

from html import escape
from pathlib import Path

from PIL import Image

from resnet_keras import hands
from resnet_keras.data import HANDS
from resnet_keras.demo import HOST
from resnet_keras.demo.answers import (
    about,
    data_of,
    find_objects,
    name_picture,
    title_of,
)
from resnet_keras.detection.drawn import SCENES
from resnet_keras.errors import InputError

_HEIGHT = 420  # pixels of a picture on the page
_KEPT_FOR = 600  # seconds, of uploads
_MOST_BYTES = "50mb"  # of an upload
_DRAWN_SIZE = 192  # pixels
_STYLE = """
.gallery-item .container.gallery.border { width: 64px; height: 64px; }
#about section { display: inline-block; width: 49%; min-width: 20em;
  vertical-align: top; padding-right: 1em; }
#about dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 16px; }
#about dt { font-weight: 600; }
"""


def build(model, metadata, remarks, examples):
    """Return the page of a model, as `gradio.Blocks`.

    Args:
        model: `Classifier` or `Finder`.
        metadata: as `load_model` returns them.
        remarks: sentences on what is assumed of the model.
        examples: list of picture files, offered under the picture.
    """
    import gradio

    is_detector = metadata.get("task") == "detector"
    title = title_of(metadata, model.name)
    with gradio.Blocks(
        title=title, analytics_enabled=False, delete_cache=(_KEPT_FOR, _KEPT_FOR)
    ) as page:
        gradio.HTML(f"<h1>{escape(title)}</h1>")
        with gradio.Row():
            with gradio.Column():
                picture = gradio.Image(
                    label="Picture",
                    type="filepath",
                    sources=["upload", "webcam", "clipboard"],
                    webcam_options=gradio.WebcamOptions(mirror=False),
                    height=_HEIGHT,
                    buttons=[],
                )
                # The file as it came: `read_image` turns it, and says what is wrong.
                picture.preprocess = lambda given: given and given.path
                if examples:
                    gradio.Examples(examples, picture, label="Examples")
            with gradio.Column():
                shown = gradio.Image(
                    label="Found" if is_detector else "What speaks for it",
                    elem_id="shown",
                    height=_HEIGHT,
                    format="png",
                    interactive=False,
                    buttons=["fullscreen", "download"],
                )
                words = gradio.Textbox(
                    show_label=False,
                    container=False,
                    interactive=False,
                    elem_id="words",
                )
                if is_detector:
                    threshold = gradio.Slider(
                        0,
                        1,
                        round(model.threshold, 3),
                        step=0.001,
                        label="Least score (threshold)",
                    )
                    inputs, outputs = [picture, threshold], [shown, words]
                    events, answer = [picture.change, threshold.change], find_objects
                else:
                    names = gradio.Label(label="Probabilities", elem_id="names")
                    inputs, outputs = [picture], [names, shown, words]
                    events, answer = [picture.change], name_picture
        gradio.HTML(about(model, metadata, remarks), elem_id="about")
        gradio.on(
            events,
            _for_page(gradio, answer, model, len(outputs)),
            inputs,
            outputs,
            api_visibility="private",
            trigger_mode="always_last",  # of a moving slider
            show_progress="minimal",
        )
    return page


def _for_page(gradio, answer, model, num_outputs):
    """Return a function of the page's inputs that tells what is wrong in words."""

    def answer_page(path, *others):
        if path is None:  # taken away
            return [None] * num_outputs
        try:
            return answer(model, path, *others)
        except InputError as error:
            words = str(error).replace(path, Path(path).name)
            raise gradio.Error(escape(words), print_exception=False) from error

    return answer_page


def drawn_examples(metadata, folder):
    """Draw test pictures for a model of the built-in hands or scenes.

    Args:
        metadata: as `load_model` returns them.
        folder: where to write the pictures.

    Returns:
        List of paths; an empty one for a model of other data.
    """
    data = data_of(metadata)
    if data == HANDS:
        images = hands.render(6, _DRAWN_SIZE, start=hands.TEST_START).images
    elif data == SCENES:
        scenes = hands.render_scenes(
            6, _DRAWN_SIZE, max_hands=4, start=hands.TEST_START, min_hands=0
        )
        images = [scene.image for scene in scenes]
    else:
        images = ()
    paths = [str(Path(folder) / f"drawn-{index}.png") for index in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        Image.fromarray(image).save(path)
    return paths


def launch(page, port, share=False):
    """Serve a page on this machine, and return.

    Args:
        page: as `build` returns it.
        port: of the address.
        share: whether to make it public through Gradio's servers.
    """
    import gradio

    page.launch(
        server_name=HOST,
        server_port=port,
        share=share,
        theme=gradio.themes.Default(),
        css=_STYLE,
        max_file_size=_MOST_BYTES,
        quiet=True,
        prevent_thread_lock=True,
        show_error=True,
        footer_links=[],
        enable_monitoring=False,
        ssr_mode=False,
        mcp_server=False,
        pwa=False,
    )
