"""In place of anywidget: in the page an explorer is its HTML, which the page's own script brings to life."""

from typing import Any

import traitlets


class AnyWidget(traitlets.HasTraits):
    """The traits of a widget, without a connection to a kernel."""

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return {}, {}
