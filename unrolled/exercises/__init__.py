"""What an exercise is, how an answer is judged, and `check` and `hint`, which a student calls."""
