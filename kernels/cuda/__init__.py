"""The kernels on a GPU: Numba-CUDA, imported only when a call's device is "cuda".

flow, work             routing, breaching, filling, counting: what the host does, and what it hands over
receivers, basins      steepest descent in tiles; basins of all cells
spanning_tree          lowest passes between basins, Boruvka with 64-bit keys
orientation            which way basins leave, how high they fill; ways turned around
carving, filling       breaching in fixed point; standing water
accumulation           cells that drain through each
layout, state          tiles and the slots on their edges; numbers that kernels leave for each other
view_bound, view_walk  bounds by a warp a ray
shadow, horizon, lines light and horizons along parallel lines
triangles, points      surfaces and points from above
stencils               derivatives
grids, scan            arrays as kernels want them; arithmetic shared with the CPU to the last bit
memory, launch         arrays on the GPU that are kept; grids of plain and of cooperative kernels

Everything also runs in Numba's simulator (NUMBA_ENABLE_CUDASIM=1), with few threads a block. Each file lists its kernels with their
argument types in KERNELS, so that they can be compiled where there is no GPU (benchmarks.cuda_resources).
"""
