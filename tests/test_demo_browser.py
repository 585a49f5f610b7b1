"""The page of `demo` as a person sees it: a server, and Chromium."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from importlib.util import find_spec

import keras
import numpy as np
import pytest
from PIL import Image

from resnet_keras import save_model
from resnet_keras.data import read_image
from resnet_keras.hands import render
from resnet_keras.inference import open_classifier
from tests.detection_networks import brightness_detector

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (CHROMIUM and find_spec("gradio") and find_spec("playwright")),
        reason="takes Chromium, Gradio and Playwright",
    ),
]
NAMES = ["<b>red</b>", "{{value}}", "${value}"]  # are text, not code
# A proxy that answers nothing: what would leave this machine fails.
NO_WAY_OUT = {
    name: "http://127.0.0.1:9" for name in ("http_proxy", "https_proxy", "all_proxy")
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder of two models and the pictures that are shown to them."""
    folder = tmp_path_factory.mktemp("demo")
    keras.utils.set_random_seed(0)
    inputs = keras.Input((16, 16, 3))
    outputs = keras.layers.Conv2D(8, 3, activation="relu")(inputs)
    outputs = keras.layers.GlobalMaxPooling2D()(outputs)
    outputs = keras.layers.Dense(3, activation="softmax")(outputs)
    unit = {"scale": 1 / 255, "channel_order": "rgb"}
    metadata = {"class_names": NAMES, "preprocessing": unit}
    save_model(keras.Model(inputs, outputs), folder / "names.h5", metadata)
    metadata = {"task": "detector", "class_names": ["lamp"], "threshold": 0.5}
    save_model(brightness_detector(), folder / "finds.h5", metadata)
    Image.fromarray(render(1, 96).images[0]).save(folder / "hand.png")
    colours = np.indices((80, 120)).sum(0)[..., None] * (1, 0, 1)
    Image.fromarray(colours.astype(np.uint8)).save(folder / "no_hand.jpg")
    lamp = np.zeros((100, 200, 3), np.uint8)
    lamp[50:75, 100:125] = 255
    Image.fromarray(lamp).save(folder / "lamp.png")
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        options = {"executable_path": CHROMIUM, "args": ["--no-sandbox"]}
        yield playwright.chromium.launch(**options)


class Page:
    """The page of a model in the browser, and the process that serves it."""

    def __init__(self, browser, folder, name):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = str(free.getsockname()[1])
        self.url = f"http://127.0.0.1:{port}/"
        line = [sys.executable, "-m", "resnet_keras.demo", folder / name]
        self.uploads = folder / f"uploads of {name}"
        self.uploads.mkdir()
        self.process = subprocess.Popen(
            [*line, "--port", port],
            env={**os.environ, "TMPDIR": str(self.uploads), **NO_WAY_OUT},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout.readline().startswith(f"The page is {self.url}")
        self.requests = []
        self.page = browser.new_page(viewport={"width": 1200, "height": 1000})
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(self.url)

    def show(self, path):
        """Give it a picture, in the place of the one before."""
        if self.page.get_by_label("Remove Image").count():
            self.page.get_by_label("Remove Image").click()
        self.page.get_by_test_id("file-upload").set_input_files(path)

    def expect(self, selector, words):
        """Wait until an element's text has these words in it."""
        script = """([selector, words]) => {
            const found = document.querySelector(selector);
            return found && (found.value || found.innerText).includes(words);
        }"""
        self.page.wait_for_function(script, arg=[selector, words], timeout=60_000)

    def text(self, selector):
        """Return the text of an element."""
        return self.page.locator(selector).inner_text()

    def close(self):
        """End the server as `kill` does; return its exit code."""
        self.page.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.stdout.close()
        return self.process.wait(60)


@pytest.fixture(scope="module")
def naming(browser, folder):
    page = Page(browser, folder, "names.h5")
    yield page
    page.close()


def expected_names(folder, picture):
    """Return the likeliest name of a picture, and its probability as it is shown."""
    classifier = open_classifier(folder / "names.h5")
    [probabilities] = classifier.probabilities(read_image(folder / picture, 16)[None])
    label = int(probabilities.argmax())
    return NAMES[label], f"{100 * probabilities[label]:.0f}%"


@pytest.mark.parametrize("picture", ["hand.png", "no_hand.jpg"])
def test_a_picture_is_named(naming, folder, picture):
    name, percentage = expected_names(folder, picture)
    naming.show(folder / picture)
    naming.expect("#words textarea", f"Bright: what speaks for {name} (Grad-CAM).")
    naming.expect("#names", percentage)
    assert name in naming.text("#names")
    heat = naming.page.locator("#shown img")
    assert heat.evaluate("image => [image.naturalWidth, image.complete]") == [640, True]


def test_a_broken_file_is_said_in_words_and_the_next_picture_is_named(naming, folder):
    naming.show(folder / "broken.png")
    naming.expect(".toast-body", "broken.png: not a readable picture (of no known")
    assert str(naming.uploads) not in naming.text(".toast-body")
    name, _ = expected_names(folder, "hand.png")
    naming.show(folder / "hand.png")
    naming.expect("#words textarea", f"Bright: what speaks for {name}")


def test_the_page_says_what_the_model_is_in_its_own_words(naming):
    about = naming.text("#about")
    assert f"3: {', '.join(NAMES)}" in about
    assert "gives each picture one of them" in about


def test_nothing_leaves_this_machine(naming):
    assert len(naming.requests) > 10
    here = (naming.url, "data:", "blob:")
    assert [url for url in naming.requests if not url.startswith(here)] == []


def test_boxes_follow_the_threshold_and_nothing_stays_behind(browser, folder):
    page = Page(browser, folder, "finds.h5")
    page.show(folder / "lamp.png")
    page.expect("#words textarea", "Found: lamp (0.9")
    size = page.page.locator("#shown img").evaluate(
        "image => [image.naturalWidth, image.naturalHeight]"
    )
    assert size == [640, 320]
    page.page.locator("input[type=range]").fill("1")
    page.expect("#words textarea", "Nothing found.")
    assert page.close() == 0
    assert list(page.uploads.iterdir()) == []
