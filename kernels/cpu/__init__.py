"""Numba loops of the kernels for the CPU; the public faces in `kernels` check what they are given and call these."""
