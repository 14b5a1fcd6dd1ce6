"""What can be wrong, one file for each kind of mistake."""
