"""One thread for these tests: on a busy machine threads that wait for each other take longer than the work."""

from __future__ import annotations

import torch

torch.set_num_threads(1)
