"""Adapters that put other libraries, and ours, to the same work; each runs in its own process and environment.

process   the process: reads the terrain, warms up, then times one run each time it is asked to
problem   the terrain and the parameters that all of them get
ours, richdem2, topotoolbox, fastscapelib, whitebox, gdal, insolation, datashader, fastflowx   one adapter each

An adapter has `TASKS`, task name -> function of a Problem that returns a `Task`, and `version()`. It imports nothing of the
project but `problem`, and of that only NumPy: its environment has nothing else of ours.
"""
