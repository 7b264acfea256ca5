"""Execute every notebook here in place, each in a kernel of its own.

Kept are the outputs that read well without a kernel and are the same after every run: no times, no
widgets, which need a kernel to live. A notebook that fails is left as it was.
"""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

WIDGET = "application/vnd.jupyter.widget-view+json"


def main():
    for path in sorted(Path(__file__).parent.glob("*.ipynb")):
        print(path.name, flush=True)
        path.write_text(nbformat.writes(executed(path)) + "\n", encoding="utf-8")


def executed(path):
    """The notebook with fresh outputs."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, record_timing=False, coalesce_streams=True).execute(cwd=path.parent)
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if WIDGET not in o.get("data", {})]
    return notebook


if __name__ == "__main__":
    main()
