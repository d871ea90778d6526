"""The bench: this server beside the least that such a server must do (`make bench`)."""
