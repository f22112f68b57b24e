"""The backend's environment is made, broken, repaired and removed, with tiny packages made here instead of real ones."""
