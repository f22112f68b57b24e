"""The version both sides speak. Standard library only."""

VERSION = "0.1.0"
"""Version of the product: add-on, backend and result files."""

PROTOCOL = 1
"""Version of the wire: the `v` of every message. With another number, add-on and backend must be updated together."""
