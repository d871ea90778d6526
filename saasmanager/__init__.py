"""The project: settings, the Settings site, the URL table, and the entry points of a server."""
