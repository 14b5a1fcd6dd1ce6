"""In a clone, let the site's buttons open the repository it was cloned from, until publishing stamps the address.

`_config.yml` has a placeholder for the repository's address. Where git knows an origin on GitHub, that is the better
answer. A page says `{{ install }}` for the command that installs the package from there.
"""

import re
import subprocess

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util.typing import ExtensionMetadata

PLACEHOLDER_ACCOUNT = re.compile(r"^https://github\.com/[^/]*_[^/]*/")  # an account's name has no underscore
ORIGIN = re.compile(r"github\.com[:/]([A-Za-z\d-]+/[\w.-]+?)(?:\.git)?/?$")


def name_origin(app: Sphinx, config: Config) -> None:
    options = config.html_theme_options
    if PLACEHOLDER_ACCOUNT.match(options["repository_url"]):
        command = ["git", "-C", str(app.confdir), "remote", "get-url", "origin"]
        origin = subprocess.run(command, capture_output=True, encoding="utf-8", check=False).stdout.strip()
        if name := ORIGIN.search(origin):
            options["repository_url"] = f"https://github.com/{name[1]}"
    package = f"unrolled @ git+{options['repository_url']}@{options['repository_branch']}"
    config.myst_substitutions = {"install": f'```bash\npip install \\\n    "{package}"\n```'}


def setup(app: Sphinx) -> ExtensionMetadata:
    app.connect("config-inited", name_origin)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
