"""What covers the ground: where the photograph may lie on it, what grows or lies elsewhere, and the photograph's colors."""
