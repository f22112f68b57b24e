"""Makes and checks what users install."""
