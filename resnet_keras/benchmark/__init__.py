"""How fast this package is beside others, on the machine at hand.

`baselines` holds what is compared and `comparison` compares it; `growth` is how cost
grows, `accuracy` the time to a given accuracy, `results` the tables and the figure.
`python -m resnet_keras.benchmark` runs them; no library imports them.
"""
