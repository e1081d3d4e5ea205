"""The web page: FastAPI, web sockets, plain ES modules, English and Polish."""
