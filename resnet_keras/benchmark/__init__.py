"""How fast this package is beside others, on the machine at hand.

`contenders` holds what is compared, `growth` how cost grows, `accuracy` the time to a
given accuracy, `results` the table and the figure; `python -m resnet_keras.benchmark`
runs them.
"""
