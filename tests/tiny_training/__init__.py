"""A training small enough for a test, with the real trainers and nothing from a network.

A language model of a few thousand parameters that reads bytes is to add two digits. `train.py` runs in the
Python of a trainer, where this project and its libraries need not be.
"""
