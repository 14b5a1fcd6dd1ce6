"""`torch.utils`"""

from torch.utils import _python_dispatch, data

__all__ = ["_python_dispatch", "data"]
