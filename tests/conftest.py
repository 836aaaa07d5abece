"""What every test of the Python parts shares."""

from hypothesis import settings

# No deadline: a busy machine is not a defect. No random seed: a red run is red again.
settings.register_profile("hearth", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("hearth")
