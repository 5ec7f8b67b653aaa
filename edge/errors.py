"""The one exception that a user's mistake or a missing part raises, on its way to one line on stderr."""


class MienError(Exception):
    """Something the user can mend; the message names the file, key or topic and the way out.

    Command-line programs print it as one line and exit with code 2. Rooms subclass it.
    """
