"""The programs behind make; run from the project's folder, as `python -m scripts.NAME`."""
