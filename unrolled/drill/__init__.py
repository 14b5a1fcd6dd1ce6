"""Questions on shapes and slices, and a worksheet of them."""
