"""Measured quality: metrics and the commands that print them."""
