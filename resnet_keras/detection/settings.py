"""What the detector's command takes by default, and the files that it leaves.

Without NumPy, so that `--help` answers at once.
"""

DEFAULTS = {
    "data": "scenes",
    "model": "resnet18",
    "recipe": "detection",
    "image_size": 128,
}

FIGURE_FILES = (  # of an evaluation
    "detections.png",
    "precision_recall.png",
    "confusion.png",
    "misses.png",
    "false_alarms.png",
)
# In the order in which they are removed: nobody resumes a run without its settings.
RUN_FILES = (
    *("config.json", "checkpoint.h5", "history.csv", "model.h5", "metrics.json"),
    *("curves.png", *FIGURE_FILES),
)
