"""Commands that print the numbers the README and the docs quote. Nothing here is asserted in a test."""
