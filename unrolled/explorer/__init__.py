"""The explorer in a notebook and on a page: the widget, its HTML, and the numbers of its table."""
