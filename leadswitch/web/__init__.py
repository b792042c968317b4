"""The web server: gunicorn keeps the processes, waitress reads the requests. Only `config` is meant for others."""
