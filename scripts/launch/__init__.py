"""From a checkout to a running Hearth: prepare what is missing, then keep the parts running.

Standard library only: this runs before anything is installed.
"""
