"""A page in the browser that shows what a saved model says of a picture."""

HOST = "127.0.0.1"
