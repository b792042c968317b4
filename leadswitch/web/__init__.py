"""The web server: gunicorn manages the processes, waitress reads the requests. Other code uses only `config`."""
