"""The one kind of failure that a user is meant to see."""


class UserError(Exception):
    """A foreseeable failure: shown to the user as one line, never as a traceback."""
