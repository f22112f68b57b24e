"""The kernels on a GPU: Numba-CUDA, imported only when a call's device is "cuda".

layout        tiles of cells, and the cells along their edges through which everything passes from tile to tile
memory        arrays on the GPU, kept between calls
launch        grids of plain and of cooperative kernels
Everything also runs in Numba's simulator (NUMBA_ENABLE_CUDASIM=1), with few threads and one block where blocks wait for each other.
"""
