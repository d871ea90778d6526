"""The project: settings, the Settings site, the URL table, and the doors to a server."""
