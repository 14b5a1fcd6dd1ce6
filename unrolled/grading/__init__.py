"""`python -m unrolled grade`: a folder of returned notebooks in, grades and feedback out."""
