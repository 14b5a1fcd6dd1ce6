"""The record of a GPU: what the chapter reads is what the program in the repository printed."""

from notebooks import BOOK, read

RECORD = (BOOK / "gpu" / "record.txt").read_text(encoding="utf-8")


def test_the_chapter_reads_the_record():
    cell = next(cell for cell in read(BOOK / "gpu.ipynb").cells if cell.id == "record")
    names: dict = {}
    exec(cell.source, names)
    assert names["RECORD"] == RECORD.strip()


def test_the_record_names_its_versions_and_is_whole():
    lines = RECORD.splitlines()
    assert all(word in lines[0] for word in ("torch", "cudnn", "NVIDIA"))
    assert lines[-1] == "done"


def test_the_program_prints_what_the_record_holds():
    """Lines of the record begin with the words that the program has for them."""
    program = (BOOK / "gpu" / "facts.py").read_text(encoding="utf-8")
    for beginning in ("corner bit-equal on the GPU fails for", "length above L, GRU", "autocast state used outside"):
        assert beginning in program
        assert beginning in RECORD
