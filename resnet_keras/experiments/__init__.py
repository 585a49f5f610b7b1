"""Experiments that show why residual networks work: one module, one claim.

`python -m resnet_keras.experiments NAME` runs one. Each prints what it does, leaves a
CSV and a PNG, and ends with a verdict worked out from what it measured.
"""
