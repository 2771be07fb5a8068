"""Whether new work is let in. Closed once, when the server is asked to stop."""

from app.core.errors import ShuttingDown


class Door:
    """Open until the server goes down."""

    def __init__(self) -> None:
        self.closed = False

    def pass_through(self) -> None:
        """Raise ShuttingDown when new work is no longer let in."""
        if self.closed:
            raise ShuttingDown
