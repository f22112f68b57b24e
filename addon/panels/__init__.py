"""What is drawn in the 3D view's sidebar. Panels only read."""
