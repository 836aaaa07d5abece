"""The home on its own machine: a server on 127.0.0.1, and the commands that speak with it.

The first browser of the PC comes in by `/pair`, programs of the same user by `/control`.
"""
