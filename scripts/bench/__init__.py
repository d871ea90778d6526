"""How fast the server is beside the least that such a server must do: `python -m scripts.bench`, `make bench`."""
