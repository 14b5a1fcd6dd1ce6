"""Execute the book's notebooks in place and store their outputs in the one form that leaves no diff on a second run.

python tools/run_notebooks.py [three-tensors ...]

An argument is a notebook's path, or the name of a chapter: then its exercises are run too.
"""

import argparse
import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

BOOK = Path(__file__).parents[1] / "book"
NOTEBOOKS = sorted([*BOOK.glob("*.ipynb"), *(BOOK / "solutions").glob("*.ipynb")])
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    # By its extension `jupyter nbconvert --to script` names the script.
    "language_info": {"file_extension": ".py", "name": "python"},
}
# Where an object lies in memory differs from run to run. The address that the course's first notebook printed replaces
# all of them; tests/nbval.cfg makes the comparison blind to exactly this form.
ADDRESS = re.compile(r"\bat 0x[0-9a-f]+>")
SAME_ADDRESS = "at 0x7f5322d63e50>"
PROMPT = "**Predict first.**"
# How a prompted cell's output, and a whole cell that gives an answer away, are folded until the reader asks. The site
# reads the tag; JupyterLab and Notebook 7 `jupyter`; the older Notebook and Colab `collapsed`; Colab `cellView` too.
# VS Code reads none of them.
FOLDED, ANSWER = "hide-output", "hide-cell"
FOLDED_METADATA = {"collapsed": True, "jupyter": {"outputs_hidden": True}}
ANSWER_METADATA = {"cellView": "form", "collapsed": True, "jupyter": {"outputs_hidden": True, "source_hidden": True}}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def normalised_output(output: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The output without what changes from run to run, or what no reader without a kernel can see."""
    output.get("data", {}).pop(WIDGET_VIEW, None)
    for holder, key in [(output, "text")] + [(output.get("data", {}), key) for key in output.get("data", {})]:
        if isinstance(holder.get(key), str):
            holder[key] = ADDRESS.sub(SAME_ADDRESS, holder[key])
    return output


def normalise(notebook: nbformat.NotebookNode) -> None:
    """Bring an executed notebook into its stored form, in place."""
    notebook.metadata = nbformat.from_dict(METADATA)
    count = 0
    prompted = False
    for cell in notebook.cells:
        tags = [tag for tag in cell.metadata.get("tags", []) if tag != FOLDED]
        if cell.cell_type == "markdown":
            prompted = PROMPT in cell.source
        elif prompted:
            tags.append(FOLDED)
            prompted = False
        folding = FOLDED_METADATA if FOLDED in tags else ANSWER_METADATA if ANSWER in tags else {}
        cell.metadata = nbformat.from_dict({**folding, "tags": tags} if tags else {})
        if cell.cell_type == "code":
            count += 1
            cell.execution_count = count
            cell.outputs = merged_streams([normalised_output(output) for output in cell.outputs])
            for output in cell.outputs:
                if output.output_type == "execute_result":
                    output.execution_count = count


def merged_streams(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """One stream output where the kernel sent several in a row: how it cuts them up is a matter of timing."""
    merged: list[nbformat.NotebookNode] = []
    for output in outputs:
        last = merged[-1] if merged else None
        if last and output.output_type == "stream" == last.output_type and output.name == last.name:
            last.text += output.text
        else:
            merged.append(output)
    return merged


def run(path: Path) -> None:
    """Execute the notebook at `path` in its own folder and write it back, normalised.

    Raises:
        SystemExit: a cell raised; the message names the notebook and shows the cell. The file is left as it was.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        # Below that it warns that others on this computer could listen.
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
    )
    try:
        client.execute()
    except CellExecutionError as error:
        sys.exit(f"{path.name}: a cell raised, so nothing was written. Mend it and run again.\n{error}")
    normalise(notebook)
    text = nbformat.writes(notebook, indent=1, ensure_ascii=False)
    path.write_text(text.rstrip("\n") + "\n", encoding="utf-8")


def notebooks_of(name: str) -> list[Path]:
    """The notebook at this path, or the chapter of this name with its exercises.

    Raises:
        SystemExit: there is none.
    """
    found = [Path(name)] if Path(name).is_file() else [path for path in NOTEBOOKS if path.stem == name]
    if not found:
        names = ", ".join(dict.fromkeys(path.stem for path in NOTEBOOKS))
        sys.exit(f"There is no notebook {name}; the book's are {names}.")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", help="a path, or a chapter's name; none: all")
    named = parser.parse_args().notebooks
    for path in [path for name in named for path in notebooks_of(name)] if named else NOTEBOOKS:
        print(f"running {path.name}", flush=True)
        run(path)


if __name__ == "__main__":
    main()
