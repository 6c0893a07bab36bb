# The documentation site: `tools/docs` builds it into build/docs/html. The reference is read from the headers by doxygen
# (Doxyfile, doxygen-filter.py) before this runs.
import pathlib
import re

root = pathlib.Path(__file__).resolve().parent.parent

project = "Eddy"
author = "the Eddy developers"
copyright = "the Eddy developers, MIT licence"
release = re.search(r"project\(Eddy VERSION ([0-9.]+)", (root / "CMakeLists.txt").read_text()).group(1)

extensions = ["breathe", "myst_parser"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["examples", "man", "results"]
primary_domain = "c"
highlight_language = "none"

breathe_projects = {"eddy": str(root / "build/docs/xml")}  # tools/docs may say otherwise
breathe_default_project = "eddy"
breathe_domain_by_extension = {"h": "c"}
breathe_show_include = False

myst_heading_anchors = 3
myst_all_links_external = False

html_theme = "furo"
html_title = f"Eddy {release}"
html_show_sphinx = False
html_copy_source = False


def matches(line):
    return line.group() if any((root / "docs").glob(line.group().strip() + ".md")) else ""


def leave_out_empty_globs(app, name, source):
    """Takes lines such as `guides/*` that match no page out of a page's tables of contents."""
    source[0] = re.sub(r"^[a-z/]+\*\n", matches, source[0], flags=re.MULTILINE)


def setup(app):
    app.connect("source-read", leave_out_empty_globs)
