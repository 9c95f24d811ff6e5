"""How the pages become a site (``make docs``): Markdown with MyST, no file from another machine."""

from importlib import metadata

project = "extractor"
version = release = metadata.version("trial-extractor")
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
html_theme = "alabaster"
html_theme_options = {
    "description": "Finds patients for clinical trials in the text that clinicians write",
    "fixed_sidebar": True,
    "page_width": "1100px",
    "sidebar_width": "240px",
    "font_family": "sans-serif",
    "head_font_family": "sans-serif",
}
html_sidebars = {"**": ["about.html", "navigation.html", "searchfield.html"]}
html_show_sourcelink = False
html_copy_source = False
html_show_copyright = False
myst_heading_anchors = 3
