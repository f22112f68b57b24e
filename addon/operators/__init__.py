"""Thin operators: read the scene, call one function, write the result, report."""
