"""What the book's chapters need: the look of figures, and parameters that are checked."""
