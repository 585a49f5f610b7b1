"""Experiments that show why residual networks work: one module, one claim.

`python -m resnet_keras.experiments NAME` runs one: it prints its progress, writes a CSV
and a PNG, and ends with a verdict computed from what it measured. They may import every
other room, and no library imports them.
"""
