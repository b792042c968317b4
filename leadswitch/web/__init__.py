"""The web server: gunicorn keeps the processes, waitress reads the requests. Other code uses only `config`."""
