"""What can keep Hearth from starting."""


class LaunchError(Exception):
    """Hearth cannot start. The message is a sentence that says what to do."""
